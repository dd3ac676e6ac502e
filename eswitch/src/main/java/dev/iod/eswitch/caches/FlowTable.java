package dev.iod.eswitch.caches;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.FlowStatus;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Exact-match flows: sets of {@link #WAYS} entries, their keys outside the heap, where each has a
 * cache line of its own (in an array of the heap most lie across two), programs beside them.
 * Bounded as a whole and per sender (see {@link #put}); idle entries go after {@link #IDLE_MILLIS}.
 * Engine thread only; no allocation on a hit.
 */
public final class FlowTable {
    static final int WAYS = 4;
    public static final long IDLE_MILLIS = 30_000;

    private static final int NONE = -1;

    private final Mapping keys;
    private final @Nullable FlowProgram[] programs;
    private final int setMask;
    private final int limitPerSender;
    private final Counters counters;
    private int used;
    private int sweep;

    /**
     * @param capacity number of entries, rounded up to a power of two
     * @param limitPerSender most entries of one sender
     */
    public FlowTable(int capacity, int limitPerSender, Counters counters) {
        int entries = Integer.highestOneBit(Math.max(WAYS, capacity - 1)) << 1;
        keys = Mapping.anonymous((long) entries * FlowKey.BYTES);
        programs = new FlowProgram[entries];
        setMask = entries / WAYS - 1;
        this.limitPerSender = limitPerSender;
        this.counters = counters;
    }

    public @Nullable FlowProgram find(FlowKey key, int hash) {
        int first = (hash & setMask) * WAYS;
        for (int slot = first; slot < first + WAYS; slot++) {
            if (programs[slot] != null && equal(slot, key)) {
                return programs[slot];
            }
        }
        return null;
    }

    /** Loads the first word of a set, so that {@link #find} need not wait for memory later. */
    public long touch(int hash) {
        return Memory.readLong(address((hash & setMask) * WAYS));
    }

    private boolean equal(int slot, FlowKey key) {
        return key.isAt(address(slot));
    }

    private long address(int slot) {
        return keys.address() + (long) slot * FlowKey.BYTES;
    }

    /**
     * Adds or replaces an entry. In a full set the entry goes whose sender has most of the table,
     * the one of those that was not used for longest: a flood evicts itself. A sender at its limit
     * may replace an entry of its own in the set, or its packet is not cached.
     *
     * @return whether there is an entry now
     */
    public boolean put(FlowKey key, int hash, FlowProgram program) {
        int first = (hash & setMask) * WAYS;
        boolean limited = program.sender.flows >= limitPerSender;
        int target = NONE;
        for (int slot = first; slot < first + WAYS; slot++) {
            FlowProgram there = programs[slot];
            if (there != null && equal(slot, key)) {
                target = slot;
                break;
            }
            if (limited && (there == null || there.sender != program.sender)) {
                continue;
            }
            if (target == NONE || goesBefore(there, programs[target])) {
                target = slot;
            }
        }
        if (target == NONE) {
            return false;
        }
        FlowProgram replaced = programs[target];
        if (replaced != null) {
            if (!equal(target, key)) {
                counters.add(Counter.FLOW_EVICTIONS);
            }
            clear(target, replaced);
        }
        key.write(address(target));
        programs[target] = program;
        program.sender.flows++;
        used++;
        counters.add(Counter.FLOW_INSTALLS);
        return true;
    }

    /** Whether an entry (null = an empty one) is the better one to overwrite. */
    private static boolean goesBefore(@Nullable FlowProgram a, @Nullable FlowProgram b) {
        if (a == null || b == null) {
            return b != null;
        }
        if (a.sender.flows != b.sender.flows) {
            return a.sender.flows > b.sender.flows;
        }
        return a.lastUsedMillis < b.lastUsedMillis;
    }

    private void clear(int slot, FlowProgram there) {
        programs[slot] = null;
        there.sender.flows--;
        used--;
    }

    public void remove(FlowKey key, int hash) {
        int first = (hash & setMask) * WAYS;
        for (int slot = first; slot < first + WAYS; slot++) {
            FlowProgram there = programs[slot];
            if (there != null && equal(slot, key)) {
                clear(slot, there);
            }
        }
    }

    /**
     * Looks at some entries, in turn, and removes idle ones and those of older states.
     *
     * @param version number of the state
     */
    public void sweep(int entries, PipelineState state, long version, long nowMillis) {
        for (int i = 0; i < entries && used > 0; i++) {
            FlowProgram program = programs[sweep];
            if (program != null
                    && (nowMillis - program.lastUsedMillis > IDLE_MILLIS
                            || !program.current(state, version))) {
                clear(sweep, program);
                counters.add(Counter.FLOW_EXPIRATIONS);
            }
            sweep = sweep + 1 == programs.length ? 0 : sweep + 1;
        }
    }

    public int size() {
        return used;
    }

    public int capacity() {
        return programs.length;
    }

    public EngineReport.Flows report(int max, long nowMillis) {
        List<FlowStatus> flows = new ArrayList<>();
        FlowKey key = new FlowKey();
        for (int slot = 0; slot < programs.length && flows.size() < max; slot++) {
            FlowProgram program = programs[slot];
            if (program != null) {
                key.read(address(slot));
                flows.add(
                        new FlowStatus(
                                key.toString(),
                                program.toString(),
                                program.packets,
                                program.bytes,
                                nowMillis - program.lastUsedMillis));
            }
        }
        return new EngineReport.Flows(used, List.copyOf(flows));
    }
}
