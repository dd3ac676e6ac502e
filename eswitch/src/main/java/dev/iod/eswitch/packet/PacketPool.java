package dev.iod.eswitch.packet;

import dev.iod.sys.Mapping;

/** A bounded stack of packets with buffers for copies and crafted packets. Engine thread only. */
public final class PacketPool {
    private final Packet[] free;
    private final long[] starts;
    private int count;

    public PacketPool(int capacity) {
        free = new Packet[capacity];
        starts = new long[capacity];
        Mapping memory = Mapping.anonymous((long) capacity * PacketBatch.STRIDE);
        for (int i = 0; i < capacity; i++) {
            free[i] = new Packet();
            starts[i] = memory.address() + (long) i * PacketBatch.STRIDE + PacketBatch.HEADROOM;
            free[i].address = starts[i];
        }
        count = capacity;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** Takes a packet; {@link #isEmpty()} was asked before. It goes back by {@link #give}. */
    public Packet take() {
        count--;
        Packet packet = free[count];
        packet.address = starts[count];
        packet.length = 0;
        packet.clearMetadata();
        return packet;
    }

    /** Gives back the packet taken last of those not given back: copies nest. */
    public void give(Packet packet) {
        free[count] = packet;
        count++;
    }
}
