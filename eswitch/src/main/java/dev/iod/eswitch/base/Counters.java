package dev.iod.eswitch.base;

import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/** Totals of the engine or of one port; written by the engine thread, read by it for reports. */
public final class Counters {
    private final long[] counts = new long[Counter.values().length];
    private final long[] drops = new long[DropReason.values().length];

    public void add(Counter counter) {
        counts[counter.ordinal()]++;
    }

    public void add(Counter counter, long by) {
        counts[counter.ordinal()] += by;
    }

    /** Keeps the largest value seen. */
    public void max(Counter counter, long value) {
        counts[counter.ordinal()] = Math.max(counts[counter.ordinal()], value);
    }

    public void drop(DropReason reason) {
        drops[reason.ordinal()]++;
    }

    public void drop(DropReason reason, long by) {
        drops[reason.ordinal()] += by;
    }

    public long count(Counter counter) {
        return counts[counter.ordinal()];
    }

    public long count(DropReason reason) {
        return drops[reason.ordinal()];
    }

    public EngineReport.Counters report() {
        return report(reason -> 0);
    }

    /**
     * @param more drops that are counted elsewhere
     */
    public EngineReport.Counters report(ToLongFunction<DropReason> more) {
        Map<Counter, Long> counters = new EnumMap<>(Counter.class);
        for (Counter counter : Counter.values()) {
            if (count(counter) != 0) {
                counters.put(counter, count(counter));
            }
        }
        Map<DropReason, Long> reasons = new EnumMap<>(DropReason.class);
        for (DropReason reason : DropReason.values()) {
            long count = count(reason) + more.applyAsLong(reason);
            if (count != 0) {
                reasons.put(reason, count);
            }
        }
        return new EngineReport.Counters(counters, reasons);
    }
}
