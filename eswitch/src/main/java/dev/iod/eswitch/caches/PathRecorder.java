package dev.iod.eswitch.caches;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a packet's way through the pipeline into the {@link PathCache}, segment by segment: which
 * bits of the packet were looked at, and what was done. Stops at the first thing that other packets
 * with the same bits might meet differently. One thread; reused.
 */
public final class PathRecorder {
    /** Most steps of a path that is cached. */
    public static final int MAX_STEPS = 64;

    private static final int MAX_DATAPATHS = 16;

    /** What a packet is known by at the node in hand: its key and what was found last. */
    public final long[] key = new long[PathNode.WORDS];

    private final PathCache cache;
    private final FlowMask mask = new FlowMask();
    private final long[] words = new long[PathNode.WORDS];
    private final List<PathStep> steps = new ArrayList<>();
    private final int[] datapaths = new int[MAX_DATAPATHS];
    private final long[] generations = new long[MAX_DATAPATHS];
    private int datapathCount;
    private int maxIpLength;
    private int stepCount;
    private long version;
    private @Nullable PathNode node;
    private boolean waiting;
    private @Nullable Counter obstacle;

    public PathRecorder(PathCache cache) {
        this.cache = cache;
    }

    /** Records nothing until {@link #start}. */
    public void idle() {
        node = null;
        obstacle = null;
    }

    /**
     * Goes on where the known part of the path ends.
     *
     * @param at the node there; {@link #key} is what the packet is known by
     * @param known number of steps that lead there
     * @param version of the state the packet meets
     */
    public void start(PathNode at, int known, long version) {
        node = at;
        obstacle = null;
        stepCount = known;
        waiting = known > 0;
        this.version = version;
        open(known > 0 ? -1 : 0);
    }

    /**
     * @param outcome what the last connection lookup found: all bits of it matter, or none
     */
    private void open(long outcome) {
        mask.clear();
        for (int i = FlowKey.WORDS; i < PathNode.WORDS; i++) {
            words[i] = outcome;
        }
        steps.clear();
        datapathCount = 0;
        maxIpLength = Integer.MAX_VALUE;
    }

    /** The packet has come through the known part again. */
    public void arrived() {
        waiting = false;
    }

    /** The rest of the path cannot be cached, for this reason. */
    public void stop(Counter why) {
        if (node != null && !waiting) {
            obstacle = why;
            node = null;
        }
    }

    /** Why the path is not in the cache to its end. */
    public @Nullable Counter obstacle() {
        return obstacle;
    }

    private boolean recording() {
        return node != null && !waiting;
    }

    void look(Packet p, Field field, long high, long low) {
        if (recording()) {
            mask.add(p, field, high, low);
        }
    }

    void datapath(DatapathState datapath) {
        if (!recording()) {
            return;
        }
        int number = datapath.row().key();
        for (int i = 0; i < datapathCount; i++) {
            if (datapaths[i] == number) {
                return;
            }
        }
        if (datapathCount == MAX_DATAPATHS) {
            stop(Counter.UNCACHED_SHAPE);
            return;
        }
        datapaths[datapathCount] = number;
        generations[datapathCount++] = datapath.generation();
    }

    void upTo(int ipLength) {
        maxIpLength = Math.min(maxIpLength, ipLength);
    }

    public void step(PathStep step) {
        if (recording()) {
            if (++stepCount > MAX_STEPS) {
                stop(Counter.UNCACHED_SHAPE);
            } else {
                steps.add(step);
            }
        }
    }

    /** The packet's connection was looked up; what comes now depends on what was found. */
    public void branch(Packet p, int zone) {
        step(new PathStep.Track(zone));
        if (recording()) {
            PathNode behind = new PathNode();
            close(behind);
            found(p);
            open(-1);
        }
    }

    /** Takes what a connection lookup found into the {@link #key}. */
    public void found(Packet p) {
        key[FlowKey.WORDS] = (long) p.ctState << 32 | p.ctMark & 0xffff_ffffL;
        key[FlowKey.WORDS + 1] = p.ctLabelHigh;
        key[FlowKey.WORDS + 2] = p.ctLabelLow;
    }

    private void close(@Nullable PathNode next) {
        PathNode at = node;
        if (at == null) {
            return;
        }
        System.arraycopy(mask.words, 0, words, 0, FlowKey.WORDS);
        PathSegment segment =
                new PathSegment(
                        steps.toArray(PathStep[]::new),
                        next,
                        Arrays.copyOf(datapaths, datapathCount),
                        Arrays.copyOf(generations, datapathCount),
                        maxIpLength,
                        version);
        node = cache.put(key[FlowKey.INGRESS], at, key, words, segment) ? next : null;
    }

    /** The path ends. */
    public void end() {
        if (recording()) {
            close(null);
        }
        node = null;
    }
}
