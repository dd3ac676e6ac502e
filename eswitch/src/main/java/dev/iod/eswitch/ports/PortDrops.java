package dev.iod.eswitch.ports;

import dev.iod.pipeline.DropReason;
import java.util.concurrent.atomic.AtomicLongArray;

/** Packets one port has dropped, by reason. One thread adds, any thread reads. */
final class PortDrops {
    private final AtomicLongArray counts = new AtomicLongArray(DropReason.values().length);

    void add(DropReason reason) {
        int index = reason.ordinal();
        counts.setOpaque(index, counts.getPlain(index) + 1);
    }

    long count(DropReason reason) {
        return counts.getOpaque(reason.ordinal());
    }
}
