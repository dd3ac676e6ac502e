package dev.iod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Tempest printed, line by line: what passed, failed and was skipped. */
final class TempestReport {
    /** A test, or the set-up of a class: {@code {0} NAME[attributes] [1.5s] ... ok}. */
    private static final Pattern RESULT =
            Pattern.compile(
                    "\\{\\d+} (?:(?:setUpClass|tearDownClass) \\(([^)]+)\\)|([^\\s\\[]+)(?:\\[[^]]*])?)"
                            + "(?: \\[[\\d.]+s])? \\.\\.\\. (ok|FAILED|SKIPPED)(?:: (.*))?");

    /** In a failure's text, what it came down to: the region's answer, or Python's exception. */
    private static final Pattern DETAIL =
            Pattern.compile("\\s*(?:Details: |[\\w.]+\\.(?:exceptions|_impl)\\.\\w+: ).*");

    private final TempestKnown known;
    private final List<String> unexpected = new ArrayList<>();
    private final List<String> recovered = new ArrayList<>();
    private int passed;
    private int skipped;
    private int expected;

    /** The failure whose text is being read. */
    private String failing = "";

    private String detail = "";

    TempestReport(TempestKnown known) {
        this.known = known;
    }

    /**
     * Takes a line of Tempest's output.
     *
     * @return what to show of it
     */
    Optional<String> read(String line) {
        Matcher result = RESULT.matcher(line);
        if (!result.matches()) {
            if (!failing.isEmpty() && DETAIL.matcher(line).matches()) {
                detail = line.strip();
            }
            return Optional.empty();
        }
        close();
        String test = result.group(1) == null ? result.group(2) : result.group(1);
        Optional<String> reason = known.reason(test);
        return Optional.of(
                switch (result.group(3)) {
                    case "ok" -> {
                        passed++;
                        if (reason.isPresent()) {
                            recovered.add(test);
                        }
                        yield "ok       " + test;
                    }
                    case "SKIPPED" -> {
                        skipped++;
                        yield "skipped  " + test + ": " + result.group(4);
                    }
                    default -> {
                        if (reason.isPresent()) {
                            expected++;
                            yield "known    " + test + ": " + reason.get();
                        }
                        failing = test;
                        yield "FAILED   " + test;
                    }
                });
    }

    /** Ends the failure whose text was read. */
    private void close() {
        if (!failing.isEmpty()) {
            unexpected.add(failing + (detail.isEmpty() ? "" : "\n    " + detail));
        }
        failing = "";
        detail = "";
    }

    /** What the end says: failures that are not known, what is known and passed, the count. */
    List<String> end() {
        close();
        List<String> lines = new ArrayList<>();
        unexpected.forEach(test -> lines.add("failed: " + test));
        recovered.forEach(test -> lines.add("passed, though a known failure: " + test));
        lines.add(
                "tempest: %d passed, %d failed, %d failed as known, %d skipped"
                        .formatted(passed, unexpected.size(), expected, skipped));
        return lines;
    }

    boolean isEmpty() {
        return passed + skipped + expected == 0 && unexpected.isEmpty() && failing.isEmpty();
    }

    boolean ok() {
        return unexpected.isEmpty() && failing.isEmpty();
    }
}
