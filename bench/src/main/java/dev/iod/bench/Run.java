package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One run of one case on one side.
 *
 * @param side {@link #OURS} or the peer's name
 */
record Run(@JsonProperty("case") String what, String side, int round, Map<Metric, Double> values) {
    static final String OURS = "ours";

    Run {
        values = Collections.unmodifiableMap(new EnumMap<>(values));
    }

    boolean ours() {
        return side.equals(OURS);
    }

    /** For a person who waits. */
    String line() {
        return "%s round %d %s: ".formatted(what, round, side)
                + values.entrySet().stream()
                        .map(
                                e ->
                                        String.format(
                                                Locale.ROOT,
                                                "%s %.2f %s",
                                                e.getKey().label,
                                                e.getValue(),
                                                e.getKey().unit))
                        .collect(Collectors.joining(", "));
    }
}
