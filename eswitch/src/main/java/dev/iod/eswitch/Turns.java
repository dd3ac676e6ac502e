package dev.iod.eswitch;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.pipeline.Counter;
import java.util.List;

/**
 * Shares the engine's time among ports by what their packets cost (deficit round robin): a port
 * whose packets need the pipeline owes for it and is passed over until it has paid, while others
 * have packets. Its packets wait in its own ring, so a guest that floods slows itself down and
 * loses nothing here. When nobody else has work, debts are forgotten. Engine thread only.
 */
final class Turns {
    /** What a device may use each round: a batch of hits. */
    static final int SHARE = PacketBatch.CAPACITY;

    /** The uplink carries the traffic of many. */
    static final int UPLINK_SHARE = 4 * SHARE;

    /** A step of a path, or a table of the pipeline, beside a hit of the flow table: by time. */
    static final int STEP_COST = 4;

    private final Counters counters;

    Turns(Counters counters) {
        this.counters = counters;
    }

    /** Whether it is this port's turn. */
    boolean has(Attachment port) {
        int share = port.isUplink() ? UPLINK_SHARE : SHARE;
        port.credit = Math.min(share, port.credit + share);
        if (port.credit > 0) {
            return true;
        }
        counters.add(Counter.TURNS_SKIPPED);
        port.counters.add(Counter.TURNS_SKIPPED);
        return false;
    }

    /** Charges a port for a batch. */
    void charge(Attachment port, int packets, long steps) {
        port.credit -= packets + STEP_COST * steps;
    }

    /** Nobody had packets whose turn it was: nobody needs to wait. */
    void idle(List<Attachment> ports) {
        for (int i = 0; i < ports.size(); i++) {
            ports.get(i).credit = 0;
        }
    }
}
