package dev.iod.eswitch;

import java.util.EnumMap;
import java.util.Map;

/** Totals; written by the engine thread, read by it for reports. */
final class Counters {
    private final long[] counts = new long[Counter.values().length];
    private final long[] drops = new long[DropReason.values().length];

    void add(Counter counter) {
        counts[counter.ordinal()]++;
    }

    void add(Counter counter, long by) {
        counts[counter.ordinal()] += by;
    }

    void drop(DropReason reason) {
        drops[reason.ordinal()]++;
    }

    long count(Counter counter) {
        return counts[counter.ordinal()];
    }

    long count(DropReason reason) {
        return drops[reason.ordinal()];
    }

    EngineReport.Counters report() {
        Map<Counter, Long> counters = new EnumMap<>(Counter.class);
        for (Counter counter : Counter.values()) {
            if (count(counter) != 0) {
                counters.put(counter, count(counter));
            }
        }
        return new EngineReport.Counters(counters, report(drops));
    }

    static Map<DropReason, Long> report(long[] drops) {
        Map<DropReason, Long> reasons = new EnumMap<>(DropReason.class);
        for (DropReason reason : DropReason.values()) {
            if (drops[reason.ordinal()] != 0) {
                reasons.put(reason, drops[reason.ordinal()]);
            }
        }
        return reasons;
    }
}
