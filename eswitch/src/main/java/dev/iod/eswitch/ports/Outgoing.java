package dev.iod.eswitch.ports;

import dev.iod.eswitch.packet.PacketBatch;

/** Frames of one batch that leave by one port, in order; at most {@link #CAPACITY}. */
final class Outgoing {
    static final int CAPACITY = PacketBatch.CAPACITY;

    final long[] address = new long[CAPACITY];
    final int[] lengthBytes = new int[CAPACITY];

    /** Logical port each entered by ({@link Port#transmit(long, int, long)}). */
    final long[] inPort = new long[CAPACITY];

    int count;

    /** What the port took of it. */
    int accepted;

    long acceptedBytes;

    void clear() {
        count = 0;
        accepted = 0;
        acceptedBytes = 0;
    }

    void accept(int index) {
        accepted++;
        acceptedBytes += lengthBytes[index];
    }

    /** The frame must stay where it is until it was transmitted. */
    void add(long frame, int frameBytes, long enteredBy) {
        address[count] = frame;
        lengthBytes[count] = frameBytes;
        inPort[count++] = enteredBy;
    }
}
