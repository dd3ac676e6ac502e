package dev.iod.bench;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The place of the block engine's bench: a directory with a pool, sockets and logs. What is
 * measured runs on processor 0, the calling thread, which is the guest, on processor 1.
 */
final class BlockLab {
    /** Of a volume that I/O is measured on. */
    static final long VOLUME_BYTES = 1L << 30;

    private static final long POOL_BYTES = 4L << 30;
    private static final int STOP_SECONDS = 30;

    private final Path home;
    private final Path directory;
    private int started;

    private BlockLab(Path home, Path directory) {
        this.home = home;
        this.directory = directory;
    }

    static BlockLab open(Path home, Cleanup cleanup) {
        Path base =
                Path.of(System.getenv().getOrDefault("IOD_RUN", home.resolve("run").toString()));
        try {
            Files.createDirectories(base);
            Path directory = Files.createTempDirectory(base, "bench-block");
            cleanup.add("the pool in " + directory, () -> remove(directory));
            cleanup.add("what is measured", BlockLab::endProcesses);
            Linux.pinThread(Runtime.getRuntime().availableProcessors() > 1 ? 1 : 0);
            return new BlockLab(home, directory);
        } catch (IOException e) {
            throw new BenchException("cannot make a directory in " + base + ": " + e, e);
        }
    }

    private static void remove(Path directory) {
        Path mount = directory.resolve("pool/mount");
        if (Shell.readAll(Path.of("/proc/self/mounts")).contains(" " + mount + " ")) {
            Shell.run("umount", mount.toString());
        }
        Lab.delete(directory);
    }

    /** Also what a measurement that was told to end has left running. */
    private static void endProcesses() {
        List<CompletableFuture<?>> ended = new ArrayList<>();
        ProcessHandle.current()
                .descendants()
                .forEach(
                        process -> {
                            process.destroyForcibly();
                            ended.add(process.onExit());
                        });
        CompletableFuture.allOf(ended.toArray(CompletableFuture[]::new))
                .orTimeout(STOP_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    Path directory() {
        return directory;
    }

    /** A new process of our engine on the pool; {@code backend} is file or null. */
    BlockEngineProcess engine(String backend) {
        Path own = directory.resolve("engine" + started++);
        own.toFile().mkdirs();
        Path config = own.resolve("block.properties");
        Shell.write(
                config,
                "socket=%s\npool=%s\npool-bytes=%d\nstate=%s\nbackend=%s\n"
                        .formatted(
                                own.resolve("control"),
                                directory.resolve("pool"),
                                POOL_BYTES,
                                own.resolve("state"),
                                backend));
        Process process =
                start(
                        List.of(
                                System.getProperty("java.home") + "/bin/java",
                                "-XX:+UseSerialGC",
                                "-Xmx128m",
                                "--enable-native-access=dev.iod.sys",
                                "-p",
                                home.resolve("block/target/lib")
                                        + ":"
                                        + home.resolve("block/target/block-0.1.0-SNAPSHOT.jar"),
                                "-m",
                                "dev.iod.block/dev.iod.block.Main",
                                config.toString()));
        return BlockEngineProcess.await(process, own);
    }

    /** Where the blocks of a volume are. */
    Path data(String volume) {
        Path mounted = directory.resolve("pool/mount");
        return (Files.exists(mounted) ? mounted : directory.resolve("pool"))
                .resolve(volume + "/data");
    }

    /** Writes every block of a volume once, with what does not compress. */
    void fill(String volume) {
        Path done = directory.resolve("filled-" + volume);
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
                    "--filename=" + data(volume));
            Shell.write(done, "");
        }
    }

    /** qemu-storage-daemon with one I/O thread for all of some block devices. */
    PeerProcess peer(List<String> blockDevices) {
        Path own = directory.resolve("peer" + started++);
        own.toFile().mkdirs();
        List<String> command = new ArrayList<>(List.of("qemu-storage-daemon"));
        command.addAll(List.of("--object", "iothread,id=t0"));
        List<Path> sockets = new ArrayList<>();
        for (int i = 0; i < blockDevices.size(); i++) {
            Path socket = own.resolve(i + ".sock");
            sockets.add(socket);
            command.addAll(List.of("--blockdev", "node-name=d" + i + "," + blockDevices.get(i)));
            command.addAll(
                    List.of(
                            "--export",
                            ("vhost-user-blk,id=e%d,node-name=d%d,writable=on,num-queues=1,"
                                            + "iothread=t0,addr.type=unix,addr.path=%s")
                                    .formatted(i, i, socket)));
        }
        PeerProcess peer = new PeerProcess(start(command), sockets);
        Shell.await(
                "qemu-storage-daemon; see " + log(),
                60,
                () -> sockets.stream().allMatch(Files::exists));
        return peer;
    }

    /** The peer: one socket for each block device. */
    record PeerProcess(Process process, List<Path> sockets) implements AutoCloseable {
        static final String NAME = "qemu-storage-daemon";

        /** A device that answers at once and keeps nothing. */
        static final String NULL = "driver=null-co,size=" + VOLUME_BYTES;

        static String file(Path data) {
            return "driver=file,cache.direct=on,aio=io_uring,filename=" + data;
        }

        static String version() {
            return Shell.run(NAME, "--version").lines().findFirst().orElse("unknown");
        }

        @Override
        public void close() {
            Lab.stop(process);
        }
    }

    private Path log() {
        return directory.resolve("log");
    }

    private Process start(List<String> command) {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "0"));
        pinned.addAll(command);
        try {
            return new ProcessBuilder(pinned)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                    .start();
        } catch (IOException e) {
            throw new BenchException(
                    "cannot start " + command.getFirst() + ": " + e.getMessage(), e);
        }
    }
}
