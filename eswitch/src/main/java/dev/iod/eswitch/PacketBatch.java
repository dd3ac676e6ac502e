package dev.iod.eswitch;

/**
 * Up to {@link #CAPACITY} received packets, each in a buffer of its own with room to grow in front.
 */
final class PacketBatch {
    static final int CAPACITY = 32;

    /** Room in front of a packet for encapsulation, bytes. */
    static final int HEADROOM = 128;

    /** Largest packet, bytes. */
    static final int MAX_PACKET = 9216;

    static final int STRIDE = 9728;

    private final long base;
    final int[] length = new int[CAPACITY];
    int count;

    /**
     * @param base CAPACITY * STRIDE bytes, 64-byte aligned, never freed while the batch is used
     */
    PacketBatch(long base) {
        this.base = base;
    }

    /** Where packet {@code index} starts. */
    long address(int index) {
        return base + (long) index * STRIDE + HEADROOM;
    }
}
