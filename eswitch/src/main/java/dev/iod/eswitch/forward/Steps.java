package dev.iod.eswitch.forward;

import dev.iod.eswitch.caches.FlowOutput;
import dev.iod.eswitch.caches.FlowRecorder;
import dev.iod.eswitch.caches.PathRecorder;
import dev.iod.eswitch.caches.PathStep;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Field;
import org.jspecify.annotations.Nullable;

/**
 * What one packet does outside itself: its connections, its outputs, its drops. Done once: when the
 * known part of the packet's path was followed first and the pipeline then runs, it meets the same
 * steps again, in the same order, and finds them done. Engine thread only; reused.
 */
final class Steps {
    private static final long TUPLE =
            Field.IP4_SRC.bit()
                    | Field.IP4_DST.bit()
                    | Field.IP6_SRC.bit()
                    | Field.IP6_DST.bit()
                    | Field.L4_SRC.bit()
                    | Field.L4_DST.bit()
                    | Field.ICMP_TYPE.bit()
                    | Field.ICMP_CODE.bit();

    private final Conntrack conntrack;
    private final FlowRecorder recorder;
    private final SlowPath.Effects effects;
    private final boolean peek;

    private final @Nullable DropReason[] reasons = new DropReason[PathRecorder.MAX_STEPS];
    private final int[] ctStates = new int[PathRecorder.MAX_STEPS];
    private final int[] ctMarks = new int[PathRecorder.MAX_STEPS];
    private final long[] ctLabelsHigh = new long[PathRecorder.MAX_STEPS];
    private final long[] ctLabelsLow = new long[PathRecorder.MAX_STEPS];
    private int done;
    private int met;
    private long nowMillis;

    /**
     * @param peek leave connections as they are
     */
    Steps(Conntrack conntrack, FlowRecorder recorder, SlowPath.Effects effects, boolean peek) {
        this.conntrack = conntrack;
        this.recorder = recorder;
        this.effects = effects;
        this.peek = peek;
    }

    /** For the next packet. */
    void begin(long now) {
        done = 0;
        met = 0;
        nowMillis = now;
    }

    /** Number of steps done for this packet by {@link #follow}. */
    int done() {
        return done;
    }

    /**
     * Does a step of a known path, and remembers what came of it.
     *
     * @return false when it did not go as it went for others, so that the path ends here
     */
    boolean follow(Packet p, PathStep step, boolean last) {
        DropReason reason = null;
        switch (step) {
            case PathStep.Track s -> {
                reason = conntrack.track(p, s.zone(), nowMillis, peek);
                if (reason == null) {
                    recorder.connection(conntrack.slot, conntrack.reply);
                }
            }
            case PathStep.Commit s -> {
                p.ctState = s.ctState();
                reason = conntrack.commit(p, s.zone(), s.change(), nowMillis);
            }
            case PathStep.Send s -> {
                recorder.output(s.output());
                effects.send(p, s.output(), last);
            }
            case PathStep.Drop s -> {
                recorder.drop(s.reason());
                effects.dropped(p, s.reason());
            }
        }
        reasons[done] = reason;
        ctStates[done] = p.ctState;
        ctMarks[done] = p.ctMark;
        ctLabelsHigh[done] = p.ctLabelHigh;
        ctLabelsLow[done] = p.ctLabelLow;
        done++;
        return reason == null;
    }

    private boolean isDone() {
        return met < done;
    }

    private void meet() {
        if (++met == done) {
            recorder.path.arrived();
        }
    }

    /** Looks the packet's connection up, or ends the packet. */
    void track(Packet p, int zone) {
        if (isDone()) {
            p.ctState = ctStates[met];
            p.ctMark = ctMarks[met];
            p.ctLabelHigh = ctLabelsHigh[met];
            p.ctLabelLow = ctLabelsLow[met];
            endAsBefore(p);
            return;
        }
        if (zone != 0 && p.fragment == 0 && effects.assumeConnection(p)) {
            effects.tracked(p, zone);
            return;
        }
        keepTuple(p);
        DropReason reason = conntrack.track(p, zone, nowMillis, peek);
        if (reason != null) {
            p.end(reason);
            recorder.obstacle(Counter.UNCACHED_CONNECTION);
            return;
        }
        if ((p.ctState & Conntrack.RELATED) != 0) {
            recorder.obstacle(Counter.UNCACHED_CONNECTION);
        }
        recorder.connection(conntrack.slot, conntrack.reply);
        recorder.path.branch(p, zone);
        effects.tracked(p, zone);
    }

    private void endAsBefore(Packet p) {
        DropReason reason = reasons[met];
        meet();
        if (reason != null) {
            p.end(reason);
        }
    }

    /** A known path looks connections up by the packet as it came. */
    private void keepTuple(Packet p) {
        if ((p.modified & TUPLE) != 0) {
            recorder.path.stop(Counter.UNCACHED_FIELD);
        }
    }

    /** Commits the packet's connection, or ends the packet. */
    void commit(Packet p, int zone, MarkChange change) {
        if (peek) {
            return;
        }
        if (isDone()) {
            endAsBefore(p);
            return;
        }
        keepTuple(p);
        DropReason reason = conntrack.commit(p, zone, change, nowMillis);
        if (reason != null) {
            p.end(reason);
            recorder.obstacle(Counter.UNCACHED_CONNECTION);
        } else {
            recorder.path.step(new PathStep.Commit(zone, p.ctState, change));
        }
    }

    void toDevice(Packet p, int device) {
        p.outputs++;
        if (isDone()) {
            meet();
        } else {
            recorder.output(p, FlowOutput.Target.device(device, p.inPort));
            effects.toDevice(p, device);
        }
    }

    void toTunnel(Packet p, int address) {
        p.outputs++;
        if (isDone()) {
            meet();
        } else {
            int ports = SlowPath.tunnelMetadata(p.inPort, p.outPort);
            recorder.output(p, FlowOutput.Target.tunnel(address, p.datapath, ports));
            effects.toTunnel(p, address, p.outPort);
        }
    }

    /** The packet, or a copy of it, went nowhere. */
    void drop(Packet p) {
        if (isDone()) {
            meet();
            return;
        }
        DropReason reason = p.drop == null ? DropReason.NO_OUTPUT : p.drop;
        recorder.drop(reason);
        recorder.path.step(new PathStep.Drop(reason));
        effects.dropped(p, reason);
    }
}
