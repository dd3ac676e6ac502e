package dev.iod.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Tests of Tempest that fail here, each with its reason. */
final class TempestKnown {
    private final Map<String, String> reasons = new LinkedHashMap<>();

    private TempestKnown() {}

    /**
     * From lines of a test's name, or that of a class which cannot be set up, and the reason.
     *
     * @throws CliException when a line has no reason
     */
    static TempestKnown of(Stream<String> lines) {
        TempestKnown known = new TempestKnown();
        lines.forEach(
                line -> {
                    String[] parts = line.split("\\s+", 2);
                    if (parts.length < 2) {
                        throw new CliException("a known failure needs a reason: " + line);
                    }
                    known.reasons.put(parts[0], parts[1]);
                });
        return known;
    }

    /** Why a test, or the set-up of a class, fails. */
    Optional<String> reason(String test) {
        return Optional.ofNullable(reasons.get(test));
    }
}
