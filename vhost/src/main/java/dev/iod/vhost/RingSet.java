package dev.iod.vhost;

import java.util.Collections;

/**
 * What the engine thread may use until it has acknowledged the next one. Immutable, apart from the
 * positions inside the rings, which the engine owns while it uses the set.
 */
record RingSet(SplitRing[] rings, boolean mayFault) {
    /** No ring is live. A new object each time, because sets are told apart by identity. */
    static RingSet stopped(DeviceType type) {
        SplitRing ring = type.tracked() ? RequestRing.STOPPED : Vring.STOPPED;
        return new RingSet(
                Collections.nCopies(type.rings(), ring).toArray(new SplitRing[0]), false);
    }

    boolean anyLive() {
        for (SplitRing ring : rings) {
            if (ring.live()) {
                return true;
            }
        }
        return false;
    }
}
