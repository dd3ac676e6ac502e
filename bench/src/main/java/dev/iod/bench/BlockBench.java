package dev.iod.bench;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code ./iod bench block}. */
@Command(
        name = "./iod bench block",
        mixinStandardHelpOptions = true,
        description = {
            "Measures the block engine beside qemu-storage-daemon, by a vhost-user front end of its"
                    + " own, and fio on the same file. One processor for each side.",
            "Needs 3 GiB in the run directory (IOD_RUN)."
        })
public final class BlockBench implements Callable<Integer> {
    static final long VOLUME_BYTES = 1L << 30;
    static final long POOL_BYTES = 3L << 30;

    /** Before each measurement, so that the compiler's work is not counted. */
    private static final double WARM_UP_SECONDS = 3;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds (default 3).")
    int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            description = "Of one measurement (default 3).")
    int seconds;

    @Option(names = "--case", description = "Only cases whose name contains this.")
    String only = "";

    @Option(names = "--json", description = "Print the rows machine-readable.")
    boolean json;

    /** One measurement. */
    record Row(
            String name,
            String side,
            int round,
            double perSecond,
            double p50Micros,
            double p99Micros,
            double p999Micros,
            double cpuMicrosPerRequest) {}

    /** What the shutdown hook ends. */
    private volatile Optional<BlockSide> running = Optional.empty();

    private BlockBench() {}

    public static void main(String[] arguments) {
        CommandLine command = new CommandLine(new BlockBench());
        command.setExecutionExceptionHandler(
                (e, line, result) -> {
                    if (e instanceof BenchException) {
                        System.err.println("iod: " + e.getMessage());
                        return 1;
                    }
                    throw e;
                });
        System.exit(command.execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        if (rounds < 1 || rounds > 100 || seconds < 1 || seconds > 3600) {
            throw new BenchException("--rounds is 1 to 100 and --seconds 1 to 3600");
        }
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new BenchException("needs root: it may have to mount a pool");
        }
        Path home = Path.of(System.getenv().getOrDefault("IOD_HOME", ".")).toAbsolutePath();
        Path base =
                Path.of(System.getenv().getOrDefault("IOD_RUN", home.resolve("run").toString()));
        Files.createDirectories(base);
        Path directory = Files.createTempDirectory(base, "bench-block");
        List<Row> rows = new ArrayList<>();
        Linux.pinThread(Runtime.getRuntime().availableProcessors() > 1 ? 1 : 0);
        Cleanup cleanup = new Cleanup();
        cleanup.add("the pool in " + directory, () -> remove(directory));
        cleanup.add("what is measured", () -> running.ifPresent(BlockSide::close));
        try (cleanup) {
            for (int round = 1; round <= rounds; round++) {
                for (BlockLoad.Work work : works()) {
                    measure(home, directory, work, round, rows);
                }
            }
        }
        print(rows);
        return 0;
    }

    private List<BlockLoad.Work> works() {
        List<BlockLoad.Work> works = new ArrayList<>();
        for (int depth : new int[] {1, 32, 128}) {
            works.add(new BlockLoad.Work("randread-4k", 0, 4096, true, depth));
            works.add(new BlockLoad.Work("randwrite-4k", 100, 4096, true, depth));
            works.add(new BlockLoad.Work("randrw-4k", 30, 4096, true, depth));
            works.add(new BlockLoad.Work("read-128k", 0, 128 << 10, false, depth));
        }
        return works;
    }

    private void measure(
            Path home, Path directory, BlockLoad.Work work, int round, List<Row> rows) {
        String what = work.name() + " qd" + work.depth();
        Path pool = directory.resolve("pool");
        side(
                "null " + what,
                "ours",
                work,
                round,
                rows,
                () -> BlockSide.ours(home, directory, pool, "null"));
        side(
                "null " + what,
                "qemu-storage-daemon",
                work,
                round,
                rows,
                () ->
                        BlockSide.peer(
                                directory,
                                List.of("driver=null-co", "node-name=d", "size=" + VOLUME_BYTES)));
        String file = "file " + what;
        if (!file.contains(only)) {
            return;
        }
        Path data = prepared(home, directory, pool);
        side(file, "ours", work, round, rows, () -> BlockSide.ours(home, directory, pool, "file"));
        side(
                file,
                "qemu-storage-daemon",
                work,
                round,
                rows,
                () ->
                        BlockSide.peer(
                                directory,
                                List.of(
                                        "driver=file",
                                        "node-name=d",
                                        "cache.direct=on",
                                        "aio=io_uring",
                                        "filename=" + data)));
        rows.add(fio(file, work, round, data));
    }

    /** The volume's file, written once so that every block exists, and reachable for all sides. */
    private Path prepared(Path home, Path directory, Path pool) {
        BlockSide.ours(home, directory, pool, "file").close();
        Path mount = pool.resolve("mount");
        Path data = mount.resolve("bench/data");
        if (!Files.exists(data)) {
            data = pool.resolve("bench/data");
        }
        Path done = directory.resolve("filled");
        if (!Files.exists(done)) {
            Shell.run(
                    "fio",
                    "--name=fill",
                    "--rw=write",
                    "--bs=1m",
                    "--direct=1",
                    "--ioengine=io_uring",
                    "--iodepth=8",
                    "--size=" + VOLUME_BYTES,
                    "--filename=" + data);
            Shell.write(done, "");
        }
        return data;
    }

    private void side(
            String name,
            String side,
            BlockLoad.Work work,
            int round,
            List<Row> rows,
            Supplier<BlockSide> starter) {
        if (!name.contains(only)) {
            return;
        }
        BlockSide measured = starter.get();
        running = Optional.of(measured);
        try (measured;
                BlockLoad load = new BlockLoad(measured.socket, VOLUME_BYTES)) {
            load.run(work, WARM_UP_SECONDS);
            double cpu = measured.cpuSeconds();
            BlockLoad.Result result = load.run(work, seconds);
            double used = measured.cpuSeconds() - cpu;
            rows.add(
                    new Row(
                            name,
                            side,
                            round,
                            result.perSecond(),
                            result.p50(),
                            result.p99(),
                            result.p999(),
                            used * 1e6 / result.requests()));
        } finally {
            running = Optional.empty();
        }
    }

    private Row fio(String name, BlockLoad.Work work, int round, Path data) {
        String kind =
                work.random()
                        ? work.writePercent() == 0
                                ? "randread"
                                : work.writePercent() == 100 ? "randwrite" : "randrw"
                        : "read";
        String output =
                Shell.run(
                        "taskset",
                        "-c",
                        "0",
                        "fio",
                        "--name=f",
                        "--rw=" + kind,
                        "--rwmixwrite=" + work.writePercent(),
                        "--bs=" + work.bytes(),
                        "--direct=1",
                        "--ioengine=io_uring",
                        "--iodepth=" + work.depth(),
                        "--size=" + VOLUME_BYTES,
                        "--filename=" + data,
                        "--time_based",
                        "--runtime=" + seconds,
                        "--output-format=json");
        JsonNode job = JSON.readTree(output.substring(output.indexOf('{'))).at("/jobs/0");
        JsonNode main = job.at(work.writePercent() == 100 ? "/write" : "/read");
        double requests =
                job.at("/read/total_ios").asDouble() + job.at("/write/total_ios").asDouble();
        double share = (job.at("/usr_cpu").asDouble() + job.at("/sys_cpu").asDouble()) / 100;
        return new Row(
                name,
                "fio",
                round,
                job.at("/read/iops").asDouble() + job.at("/write/iops").asDouble(),
                main.at("/clat_ns/percentile/50.000000").asDouble() / 1000,
                main.at("/clat_ns/percentile/99.000000").asDouble() / 1000,
                main.at("/clat_ns/percentile/99.900000").asDouble() / 1000,
                share * seconds * 1e6 / requests);
    }

    private void print(List<Row> rows) {
        if (json) {
            System.out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(rows));
            return;
        }
        System.out.printf(
                "%-26s %-20s %12s %9s %9s %9s %8s%n",
                "case", "side", "per second", "p50 us", "p99 us", "p99.9 us", "cpu us");
        rows.stream()
                .map(row -> row.name + "\t" + row.side)
                .distinct()
                .forEach(key -> printMedian(key, rows));
    }

    private static void printMedian(String key, List<Row> all) {
        List<Row> rows =
                all.stream()
                        .filter(row -> key.equals(row.name + "\t" + row.side))
                        .sorted(Comparator.comparingDouble(Row::perSecond))
                        .toList();
        Row row = rows.get(rows.size() / 2);
        System.out.printf(
                "%-26s %-20s %12.0f %9.1f %9.1f %9.1f %8.2f%n",
                row.name,
                row.side,
                row.perSecond,
                row.p50Micros,
                row.p99Micros,
                row.p999Micros,
                row.cpuMicrosPerRequest);
    }

    private static void remove(Path directory) {
        Path mount = directory.resolve("pool/mount");
        if (Shell.read(Path.of("/proc/self/mounts")).contains(" " + mount + " ")) {
            Shell.run("umount", mount.toString());
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new BenchException("cannot remove " + directory + ": " + e.getMessage(), e);
        }
    }
}
