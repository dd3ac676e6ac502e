package dev.iod.bench;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code --against DIR}: this build beside another one in a directory of its own, by the bench of
 * each. In a round both run at the same time and take turns of {@link #TURN_MILLIS}: all processes
 * of one stand still (SIGSTOP) while those of the other go on. Whatever else happens on the machine
 * meets both alike; rates are of half the time, CPU times as ever.
 */
final class Against {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String OPTION = "--against";
    private static final long TURN_MILLIS = 100;
    private static final Path HUGE_PAGES = Path.of("/proc/sys/vm/nr_hugepages");

    /** Options that are this process's own, and have a value. */
    private static final Set<String> OWN = Set.of(OPTION, "--rounds", "--save", "--side");

    /** What turns do not spoil, as they do all times between two events. */
    private static final Set<Metric> COMPARED =
            EnumSet.of(
                    Metric.THROUGHPUT,
                    Metric.CONNECTIONS,
                    Metric.PACKET_CPU,
                    Metric.REQUESTS,
                    Metric.REQUEST_CPU);

    /** The option of benches that can be run so. */
    static final class With {
        @Option(
                names = OPTION,
                paramLabel = "DIR",
                description = {
                    "Measure beside another build in a directory (made there with ./iod build) in"
                            + " place of the peers: both at once, by turns of a tenth of a second."
                })
        Path directory = Path.of("");

        @Spec(Spec.Target.MIXEE)
        CommandSpec bench = CommandSpec.create();

        boolean wanted() {
            return !directory.toString().isEmpty();
        }

        /**
         * @param more what each bench is told besides
         */
        void measure(Output output, String... more) {
            List<String> said = bench.root().commandLine().getParseResult().originalArgs();
            new Against(directory, said, List.of(more)).measure(output);
        }
    }

    private final Path other;
    private final List<String> jvm;
    private final List<String> bench;

    /**
     * @param other where the other build is, as {@link Main#home}
     * @param arguments what the user said, bench and options
     * @param more what each bench is told besides
     */
    private Against(Path other, List<String> arguments, List<String> more) {
        this.other = other.toAbsolutePath().normalize();
        this.jvm = jvmOptions();
        this.bench = forOneRound(arguments, more);
        if (!Files.exists(jar(this.other))) {
            throw new BenchException(
                    OPTION + " " + other + ": no build is there (" + jar(this.other) + ")");
        }
    }

    /** How this JVM was started, up to its modules: both benches get the same. */
    private static List<String> jvmOptions() {
        String[] all = ProcessHandle.current().info().arguments().orElse(new String[0]);
        List<String> options = new ArrayList<>();
        for (int i = 0; i < all.length && !all[i].equals("-m"); i++) {
            if (all[i].equals("-p")) {
                i++;
            } else {
                options.add(all[i]);
            }
        }
        return List.copyOf(options);
    }

    /** What a bench is told that is to run one round and print its rows. */
    static List<String> forOneRound(List<String> arguments, List<String> more) {
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String option = arguments.get(i).split("=", 2)[0];
            if (!OWN.contains(option)) {
                if (!option.equals("--json")) {
                    kept.add(arguments.get(i));
                }
            } else if (option.equals(arguments.get(i))) {
                i++; // its value is a word of its own
            }
        }
        kept.addAll(more);
        kept.addAll(List.of("--rounds", "1", "--json"));
        return List.copyOf(kept);
    }

    private void measure(Output output) {
        output.check();
        Main.needRoot("both builds get a place of their own for locks and mounts");
        String name = name();
        Findings<Run> findings = Findings.of(output, Machine.here(Map.of("peer", name)));
        for (int round = 1; round <= output.rounds; round++) {
            round(name, round).forEach(findings::add);
        }
        findings.print();
    }

    /** The commit of the other build, or where it is. */
    private String name() {
        try {
            return Shell.run("git", "-C", other.toString(), "log", "-1", "--format=%h (%s)");
        } catch (BenchException e) {
            return other.toString();
        }
    }

    private static Path jar(Path home) {
        return home.resolve("bench/target/bench-0.1.0-SNAPSHOT.jar");
    }

    /**
     * @param side what its runs are called by
     * @param output where its bench writes its rows
     */
    private record Build(String side, Path home, Path output) {}

    private List<Run> round(String name, int number) {
        try (Cleanup cleanup = new Cleanup()) {
            Path directory = Files.createTempDirectory("iod-against");
            cleanup.add("directory", () -> Lab.delete(directory));
            // Each gives back what it found, which the other one may have reserved.
            String hugePages = Shell.read(HUGE_PAGES);
            cleanup.add("huge pages", () -> Shell.write(HUGE_PAGES, hugePages));
            List<Build> builds =
                    List.of(
                            new Build(Run.OURS, Main.home(), directory.resolve("ours")),
                            new Build(name, other, directory.resolve("theirs")));
            // Who begins may have the better of it: the builds take turns in that as well.
            List<Build> order = number % 2 == 1 ? builds : builds.reversed();
            List<Process> processes = new ArrayList<>();
            for (Build build : order) {
                processes.add(start(build.home, build.output, cleanup));
            }
            takeTurns(processes.get(0), processes.get(1));
            List<Run> runs = new ArrayList<>();
            for (int i = 0; i < order.size(); i++) {
                runs.addAll(result(processes.get(i), order.get(i), number));
            }
            return runs;
        } catch (IOException e) {
            throw new BenchException("cannot make a directory: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }

    /** A bench whose processes are one group, with locks and mounts of its own. */
    private Process start(Path home, Path output, Cleanup cleanup) throws IOException {
        List<String> command = new ArrayList<>(List.of("setsid", "unshare", "--mount"));
        String locks = "mount -t tmpfs tmpfs /run/lock && exec \"$@\"";
        command.addAll(List.of("sh", "-c", locks, "sh"));
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(jvm);
        command.add("-p");
        command.add(home.resolve("bench/target/lib") + ":" + jar(home));
        command.addAll(List.of("-m", "dev.iod.bench/dev.iod.bench.Main"));
        command.addAll(bench);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.redirectOutput(output.toFile());
        builder.redirectError(log(output).toFile());
        builder.environment().put("IOD_HOME", home.toString());
        // The other build is only read: files of a run are ours.
        builder.environment().putIfAbsent("IOD_RUN", Main.home().resolve("run").toString());
        Process process = builder.start();
        cleanup.add(
                "the bench of " + home,
                () -> {
                    Linux.stopGroup(process.pid(), false);
                    Lab.stop(process);
                });
        process.getOutputStream().close();
        return process;
    }

    private static Path log(Path output) {
        return output.resolveSibling(output.getFileName() + ".log");
    }

    /** Until both have ended; who is left alone goes on without pauses. */
    private static void takeTurns(Process first, Process second) throws InterruptedException {
        Process running = first;
        Process still = second;
        while (first.isAlive() && second.isAlive()) {
            Linux.stopGroup(still.pid(), true);
            Linux.stopGroup(running.pid(), false);
            running.waitFor(TURN_MILLIS, TimeUnit.MILLISECONDS);
            Process next = still;
            still = running;
            running = next;
        }
        for (Process process : List.of(first, second)) {
            Linux.stopGroup(process.pid(), false);
            process.waitFor();
        }
    }

    private static List<Run> result(Process process, Build build, int round) {
        if (process.exitValue() != 0) {
            throw new BenchException(
                    "the bench of %s failed: %s"
                            .formatted(build.side, Shell.read(log(build.output)).strip()));
        }
        try {
            return runs(JSON.readTree(Shell.readAll(build.output)), build.side, round);
        } catch (JacksonException e) {
            throw new BenchException(
                    "the bench of " + build.side + " says no rows: " + e.getMessage(), e);
        }
    }

    /** What a bench found of its own engine, as one side of ours; peers are left out. */
    static List<Run> runs(JsonNode rows, String side, int round) {
        Map<String, Map<Metric, Double>> cases = new LinkedHashMap<>();
        for (JsonNode row : rows) {
            Metric metric = metric(row.path("metric").asString(), row.path("unit").asString());
            JsonNode median = row.path("ours").path("median");
            if (metric != null && median.isNumber()) {
                cases.computeIfAbsent(
                                row.path("case").asString(), what -> new EnumMap<>(Metric.class))
                        .put(metric, median.asDouble());
            }
        }
        List<Run> runs = new ArrayList<>();
        cases.forEach((what, values) -> runs.add(new Run(what, side, round, values)));
        return runs;
    }

    private static @Nullable Metric metric(String label, String unit) {
        return Arrays.stream(Metric.values())
                .filter(COMPARED::contains)
                .filter(metric -> metric.label.equals(label) && metric.unit.equals(unit))
                .findFirst()
                .orElse(null);
    }
}
