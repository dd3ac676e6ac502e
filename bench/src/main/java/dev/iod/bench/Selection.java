package dev.iod.bench;

import java.util.List;
import picocli.CommandLine.Option;

/** Which cases a bench measures, and how long each. */
final class Selection {
    @Option(
            names = "--case",
            paramLabel = "TEXT",
            description = "Only cases whose name begins with this; may be repeated.")
    List<String> cases = List.of();

    @Option(
            names = "--seconds",
            description = "How long one measurement takes, 1 to 3600 (default ${DEFAULT-VALUE}).")
    int seconds;

    Selection(int seconds) {
        this.seconds = seconds;
    }

    boolean wants(String name) {
        return cases.isEmpty() || cases.stream().anyMatch(name::startsWith);
    }

    void check(List<String> names) {
        if (seconds < 1 || seconds > 3600) {
            throw new BenchException("--seconds is 1 to 3600, not " + seconds);
        }
        for (String text : cases) {
            if (names.stream().noneMatch(name -> name.startsWith(text))) {
                throw new BenchException("no case begins with '" + text + "'; there are " + names);
            }
        }
    }
}
