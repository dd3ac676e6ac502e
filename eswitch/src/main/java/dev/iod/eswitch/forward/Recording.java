package dev.iod.eswitch.forward;

import dev.iod.eswitch.caches.FlowKey;
import dev.iod.eswitch.caches.FlowMask;
import dev.iod.eswitch.caches.FlowOutput;
import dev.iod.eswitch.caches.FlowProgram;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.caches.PathNode;
import dev.iod.eswitch.caches.PathSegment;
import dev.iod.eswitch.caches.PathStep;
import dev.iod.eswitch.caches.Validity;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Lookup;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.eswitch.tunnel.Tunnels;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a packet without an entry does, and what of it holds for packets after it. It takes the
 * steps of the packet's path (connections, outputs, drops) and records them twice: for packets with
 * the same {@link FlowKey} as one {@link FlowProgram}, and for packets with the same bits where
 * rules looked as {@link PathSegment}s, up to the first thing they might meet differently.
 *
 * <p>Each step is taken once. A packet may follow known segments first ({@link #take}); where they
 * end the pipeline runs from its beginning, meets the same steps in the same order, and is given
 * what came of them. Recording of the path goes on behind them. Engine thread only; reused.
 */
final class Recording implements Looks {
    /** Most steps of a path that is cached. */
    static final int MAX_STEPS = 64;

    /** Most datapaths, connections, outputs and drops of a flow that is cached. */
    static final int MAX_PARTS = 8;

    private static final int MAX_SEGMENT_DATAPATHS = 16;

    /** What may differ in a packet that leaves; the rest is metadata. */
    private static final long HEADERS = Field.bits(EnumSet.range(Field.ETH_SRC, Field.TCP_FLAGS));

    /** What connections are looked up by. */
    private static final long TUPLE =
            Field.IP4_SRC.bit()
                    | Field.IP4_DST.bit()
                    | Field.IP6_SRC.bit()
                    | Field.IP6_DST.bit()
                    | Field.L4_SRC.bit()
                    | Field.L4_DST.bit()
                    | Field.ICMP_TYPE.bit()
                    | Field.ICMP_CODE.bit();

    /** What a packet is known by at the node in hand: its flow key and what was found last. */
    final long[] key = new long[PathNode.WORDS];

    private final Conntrack conntrack;
    private final PathCache cache;
    private final Effects effects;
    private final boolean peek;
    private long nowMillis;
    private long version;

    // The entry.
    private final Validity.Collector validity = new Validity.Collector(MAX_PARTS);
    private final List<FlowOutput> outputs = new ArrayList<>();
    private final List<DropReason> drops = new ArrayList<>();
    private final Lookup[] connections = new Lookup[MAX_PARTS];
    private int connectionCount;
    private long changesBefore;
    private boolean entryPossible;

    // The path: its segment in hand begins at a node; none = it is not recorded.
    private final Validity.Collector segment = new Validity.Collector(MAX_SEGMENT_DATAPATHS);
    private final FlowMask mask = new FlowMask();
    private final long[] words = new long[PathNode.WORDS];
    private final List<PathStep> steps = new ArrayList<>();
    private int stepCount;
    private @Nullable PathNode node;
    private @Nullable Counter pathObstacle;

    // Steps taken along known segments, and what came of them.
    private final @Nullable DropReason[] reasons = new DropReason[MAX_STEPS];
    private final int[] ctStates = new int[MAX_STEPS];
    private final int[] ctMarks = new int[MAX_STEPS];
    private final long[] ctLabelsHigh = new long[MAX_STEPS];
    private final long[] ctLabelsLow = new long[MAX_STEPS];
    private int taken;
    private int met;

    /**
     * @param peek leave connections as they are
     */
    Recording(Conntrack conntrack, PathCache cache, Effects effects, boolean peek) {
        this.conntrack = conntrack;
        this.cache = cache;
        this.effects = effects;
        this.peek = peek;
        Arrays.setAll(connections, i -> new Lookup());
    }

    /**
     * For the next packet. Its path is not recorded before {@link #pathFrom}.
     *
     * @param stateVersion number of the state it meets
     */
    void begin(long stateVersion, long now) {
        version = stateVersion;
        nowMillis = now;
        validity.clear();
        outputs.clear();
        drops.clear();
        connectionCount = 0;
        changesBefore = conntrack.changes;
        entryPossible = true;
        node = null;
        pathObstacle = null;
        taken = 0;
        met = 0;
    }

    /** The known part of the path ends at this node; what follows is recorded there. */
    void pathFrom(PathNode at) {
        node = at;
        stepCount = taken;
        open(taken > 0 ? -1 : 0);
    }

    /**
     * @param outcome what the last connection lookup found: all bits of it matter, or none
     */
    private void open(long outcome) {
        mask.clear();
        Arrays.fill(words, FlowKey.WORDS, PathNode.WORDS, outcome);
        steps.clear();
        segment.clear();
    }

    private void close(@Nullable PathNode next) {
        PathNode at = node;
        if (at == null) {
            return;
        }
        System.arraycopy(mask.words, 0, words, 0, FlowKey.WORDS);
        PathSegment known = new PathSegment(segment, version, steps.toArray(PathStep[]::new), next);
        node = cache.put(key[FlowKey.INGRESS], at, key, words, known) ? next : null;
    }

    /** The packet has gone all its way. */
    void end() {
        if (pathRecorded()) {
            close(null);
        }
    }

    /** Whether the pipeline is still at steps that were taken before it ran. */
    private boolean replaying() {
        return met < taken;
    }

    private boolean pathRecorded() {
        return node != null && !replaying();
    }

    /** Neither the packet nor its path can be cached, for this reason. */
    void obstacle(Counter why) {
        entryPossible = false;
        pathObstacle(why);
    }

    private void pathObstacle(Counter why) {
        if (pathRecorded()) {
            pathObstacle = why;
            node = null;
        }
    }

    /** Why the path is not in the cache to its end. */
    @Nullable Counter pathObstacle() {
        return pathObstacle;
    }

    @Override
    public void look(Packet p, Field field, long high, long low) {
        // What was written is known, for it was made of what was looked at before.
        if ((p.modified & field.bit()) == 0) {
            if ((FlowMask.unkeyed(p) & field.bit()) != 0) {
                obstacle(Counter.UNCACHED_FIELD);
            }
            if (pathRecorded()) {
                mask.add(p, field, high, low);
            }
        }
    }

    /** A slice is about to be written; unless it is the whole field, the rest of it stays. */
    void writes(Packet p, Slice slice) {
        if (slice.width() < slice.field().width()) {
            look(p, slice.field());
        }
    }

    /** The packet's way depends on the program of a datapath. */
    void datapath(DatapathState datapath) {
        int number = datapath.row().key();
        if (!validity.add(number, datapath.generation())) {
            entryPossible = false;
        }
        if (pathRecorded() && !segment.add(number, datapath.generation())) {
            pathObstacle(Counter.UNCACHED_SHAPE);
        }
    }

    /** The result holds for IP packets up to this length. */
    void upTo(int ipLength) {
        validity.upTo(ipLength);
        segment.upTo(ipLength);
    }

    /** The packet crosses a known segment. */
    void crosses(PathSegment known) {
        if (!validity.add(known)) {
            entryPossible = false;
        }
    }

    /** Number of steps taken along known segments. */
    int taken() {
        return taken;
    }

    /**
     * Takes a step of a known segment, and remembers what came of it.
     *
     * @return false when it did not go as it went for others, so that the path ends here
     */
    boolean take(Packet p, PathStep step, boolean last) {
        DropReason reason = null;
        switch (step) {
            case PathStep.Track s -> {
                reason = conntrack.track(p, s.zone(), nowMillis, peek);
                if (reason == null) {
                    connection();
                }
            }
            case PathStep.Commit s -> {
                p.ctState = s.ctState();
                reason = conntrack.commit(p, s.zone(), s.change(), nowMillis);
            }
            case PathStep.Send s -> {
                entryOutput(s.output());
                effects.send(p, s.output(), last);
            }
            case PathStep.Drop s -> {
                entryDrop(s.reason());
                effects.dropped(p, s.reason());
            }
        }
        reasons[taken] = reason;
        ctStates[taken] = p.ctState;
        ctMarks[taken] = p.ctMark;
        ctLabelsHigh[taken] = p.ctLabelHigh;
        ctLabelsLow[taken] = p.ctLabelLow;
        taken++;
        return reason == null;
    }

    /** Takes what a connection lookup found into the {@link #key}. */
    void found(Packet p) {
        key[FlowKey.WORDS] = (long) p.ctState << 32 | p.ctMark & 0xffff_ffffL;
        key[FlowKey.WORDS + 1] = p.ctLabelHigh;
        key[FlowKey.WORDS + 2] = p.ctLabelLow;
    }

    /** The pipeline looks the packet's connection up, which may end the packet. */
    void track(Packet p, int zone) {
        if (replaying()) {
            p.ctState = ctStates[met];
            p.ctMark = ctMarks[met];
            p.ctLabelHigh = ctLabelsHigh[met];
            p.ctLabelLow = ctLabelsLow[met];
            replay(p);
            return;
        }
        if (zone != 0 && p.fragment == 0 && effects.assumeConnection(p)) {
            effects.tracked(p, zone);
            return;
        }
        stopAtRewrittenTuple(p);
        DropReason reason = conntrack.track(p, zone, nowMillis, peek);
        if (reason != null) {
            p.end(reason);
            obstacle(Counter.UNCACHED_CONNECTION);
            return;
        }
        if ((p.ctState & Conntrack.RELATED) != 0) {
            obstacle(Counter.UNCACHED_CONNECTION);
        }
        connection();
        pathStep(new PathStep.Track(zone));
        if (pathRecorded()) {
            close(new PathNode());
            found(p);
            open(-1);
        }
        effects.tracked(p, zone);
    }

    /** The pipeline commits the packet's connection, which may end the packet. */
    void commit(Packet p, int zone, MarkChange change) {
        if (peek) {
            return;
        }
        if (replaying()) {
            replay(p);
            return;
        }
        stopAtRewrittenTuple(p);
        DropReason reason = conntrack.commit(p, zone, change, nowMillis);
        if (reason != null) {
            p.end(reason);
            obstacle(Counter.UNCACHED_CONNECTION);
        } else {
            pathStep(new PathStep.Commit(zone, p.ctState, change));
        }
    }

    void toDevice(Packet p, int device) {
        p.outputs++;
        if (replaying()) {
            met++;
        } else {
            output(p, FlowOutput.Target.device(device, p.inPort));
            effects.toDevice(p, device);
        }
    }

    void toTunnel(Packet p, int address) {
        p.outputs++;
        if (replaying()) {
            met++;
        } else {
            int ports = Tunnels.metadata(p.inPort, p.outPort);
            output(p, FlowOutput.Target.tunnel(address, p.datapath, ports));
            effects.toTunnel(p, address, p.outPort);
        }
    }

    /** The packet, or a copy of it, went nowhere. */
    void drop(Packet p) {
        if (replaying()) {
            met++;
            return;
        }
        DropReason reason = p.drop == null ? DropReason.NO_OUTPUT : p.drop;
        entryDrop(reason);
        pathStep(new PathStep.Drop(reason));
        effects.dropped(p, reason);
    }

    /** The step comes out as it did when it was taken. */
    private void replay(Packet p) {
        DropReason reason = reasons[met++];
        if (reason != null) {
            p.end(reason);
        }
    }

    /** A known path looks connections up by the packet as it came. */
    private void stopAtRewrittenTuple(Packet p) {
        if ((p.modified & TUPLE) != 0) {
            pathObstacle(Counter.UNCACHED_FIELD);
        }
    }

    private void pathStep(PathStep step) {
        if (pathRecorded()) {
            if (++stepCount > MAX_STEPS) {
                pathObstacle(Counter.UNCACHED_SHAPE);
            } else {
                steps.add(step);
            }
        }
    }

    /** The packet leaves the pipeline as it is now. */
    private void output(Packet p, FlowOutput.Target target) {
        if ((p.modified & FlowMask.unkeyed(p)) != 0) {
            obstacle(Counter.UNCACHED_FIELD);
            return;
        }
        FlowOutput output = new FlowOutput(p, p.modified & HEADERS, target);
        entryOutput(output);
        pathStep(new PathStep.Send(output));
    }

    private void entryOutput(FlowOutput output) {
        if (outputs.size() == MAX_PARTS) {
            entryPossible = false;
        } else {
            outputs.add(output);
        }
    }

    private void entryDrop(DropReason reason) {
        if (drops.size() == MAX_PARTS) {
            entryPossible = false;
        } else {
            drops.add(reason);
        }
    }

    /** The packet's treatment depends on the state of the connection just looked up. */
    private void connection() {
        Lookup found = conntrack.lookup();
        if (!found.found()) {
            entryPossible = false;
            return;
        }
        for (int i = 0; i < connectionCount; i++) {
            if (connections[i].same(found)) {
                return;
            }
        }
        if (connectionCount == MAX_PARTS) {
            entryPossible = false;
            return;
        }
        connections[connectionCount++].copyFrom(found);
    }

    /** What packets with the same key are to do; null when they may do something else. */
    @Nullable FlowProgram program(Sender sender) {
        if (!entryPossible || conntrack.changes != changesBefore) {
            return null;
        }
        long[] uses = new long[connectionCount];
        for (int i = 0; i < connectionCount; i++) {
            uses[i] = conntrack.use(connections[i]);
        }
        return new FlowProgram(
                validity,
                version,
                uses,
                outputs.toArray(FlowOutput[]::new),
                drops.toArray(DropReason[]::new),
                sender);
    }
}
