package dev.iod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Why an engine's packet thread may have been late: pauses of its JVM ({@code -Xlog:safepoint}),
 * and time it was ready but had no processor (proc(5), {@code schedstat}). One thread.
 */
final class EngineWatch {
    private static final String THREAD = "engine";
    private static final Pattern TOTAL = Pattern.compile("Safepoint.*Total: +(\\d+) ns");

    private final Path schedule;
    private final Path safepoints;
    private long waitedNanos;
    private int lines;

    /**
     * @param longestPauseMillis of the JVM
     * @param waitedMillis all the time the packet thread waited for a processor
     */
    record Causes(double longestPauseMillis, double waitedMillis) {}

    private EngineWatch(Path schedule, Path safepoints) {
        this.schedule = schedule;
        this.safepoints = safepoints;
    }

    /** The option that makes a JVM write the file. */
    static String option(Path safepoints) {
        return "-Xlog:safepoint:file=" + safepoints + ":uptime";
    }

    static EngineWatch of(long pid, Path safepoints) {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return threads.filter(t -> Shell.read(t.resolve("comm")).strip().equals(THREAD))
                    .findAny()
                    .map(t -> new EngineWatch(t.resolve("schedstat"), safepoints))
                    .orElseThrow(() -> new BenchException("the engine has no packet thread"));
        } catch (IOException e) {
            throw new BenchException("cannot list threads: " + e.getMessage(), e);
        }
    }

    /** Causes from here on. */
    void start() {
        waitedNanos = waited();
        lines = pauses().size();
    }

    Causes causes() {
        List<String> all = pauses();
        long longest = 0;
        for (String line : all.subList(lines, all.size())) {
            Matcher matcher = TOTAL.matcher(line);
            if (matcher.find()) {
                longest = Math.max(longest, Long.parseLong(matcher.group(1)));
            }
        }
        return new Causes(longest / 1e6, (waited() - waitedNanos) / 1e6);
    }

    private List<String> pauses() {
        try {
            return Files.readAllLines(safepoints);
        } catch (IOException e) {
            throw new BenchException("cannot read " + safepoints + ": " + e.getMessage(), e);
        }
    }

    private long waited() {
        return Long.parseLong(Shell.read(schedule).strip().split(" ")[1]);
    }
}
