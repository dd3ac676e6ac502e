package dev.iod.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code --against DIR}: this build beside another one in a directory of its own, by the bench of
 * each. Rounds are short and take turns, and who begins changes with each: what a round's two runs
 * have in common, as the machine's mood, is not in their ratio.
 */
final class Against {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String OPTION = "--against";
    private static final int RUN_MINUTES = 30;

    /** Options that are this process's own, and have a value. */
    private static final Set<String> OWN = Set.of(OPTION, "--rounds", "--save");

    private final Path other;
    private final List<String> jvm;
    private final List<String> bench;

    /**
     * @param other where the other build is, as {@link Main#home}
     * @param arguments what the user said, bench and options
     */
    Against(Path other, List<String> arguments) {
        this.other = other.toAbsolutePath().normalize();
        this.jvm = jvmOptions();
        this.bench = forOneRound(arguments);
        if (!Files.exists(jar(this.other))) {
            throw new BenchException(
                    OPTION + " " + other + ": no build is there (" + jar(this.other) + ")");
        }
    }

    /** How this JVM was started, up to its modules: the other build's bench gets the same. */
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
    static List<String> forOneRound(List<String> arguments) {
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
        kept.addAll(List.of("--rounds", "1", "--json"));
        return List.copyOf(kept);
    }

    void measure(Output output) {
        output.check();
        String name = name();
        List<Run> runs = new ArrayList<>();
        for (int round = 1; round <= output.rounds; round++) {
            List<Run> ours = new ArrayList<>();
            List<Run> theirs = new ArrayList<>();
            if (round % 2 == 0) {
                theirs.addAll(run(other, name, round));
            }
            ours.addAll(run(Main.home(), Run.OURS, round));
            if (round % 2 == 1) {
                theirs.addAll(run(other, name, round));
            }
            runs.addAll(ours);
            runs.addAll(theirs);
        }
        output.write(new Report(Machine.here(Map.of("peer", name)), Report.rows(runs), runs));
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

    private List<Run> run(Path home, String side, int round) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(jvm);
        command.add("-p");
        command.add(home.resolve("bench/target/lib") + ":" + jar(home));
        command.addAll(List.of("-m", "dev.iod.bench/dev.iod.bench.Main"));
        command.addAll(bench);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("IOD_HOME", home.toString());
        // The other build is only read: files of a run are ours.
        builder.environment().putIfAbsent("IOD_RUN", Main.home().resolve("run").toString());
        try (Cleanup cleanup = new Cleanup()) {
            Process process = builder.start();
            cleanup.add("the bench of " + side, () -> Lab.stop(process));
            process.getOutputStream().close();
            String rows =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(RUN_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new BenchException(
                        "the bench of "
                                + home
                                + " failed; run it there: "
                                + String.join(" ", bench));
            }
            List<Run> runs = runs(JSON.readTree(rows), side, round);
            runs.forEach(run -> System.err.println(run.line()));
            return runs;
        } catch (IOException | JacksonException e) {
            throw new BenchException("the bench of " + home + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
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

    /** A metric of another build may be none of ours; it is not compared. */
    private static @Nullable Metric metric(String label, String unit) {
        return Arrays.stream(Metric.values())
                .filter(metric -> metric.label.equals(label) && metric.unit.equals(unit))
                .findFirst()
                .orElse(null);
    }
}
