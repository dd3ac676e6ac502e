package dev.iod.eswitch.packet;

/**
 * Up to {@link #CAPACITY} received packets, each in a buffer of its own with room to grow in front.
 */
public final class PacketBatch {
    public static final int CAPACITY = 32;

    /** Room in front of a packet for encapsulation, bytes. */
    public static final int HEADROOM = 128;

    /** Largest packet, bytes. */
    public static final int MAX_PACKET = 9216;

    public static final int STRIDE = 9728;

    private final long base;
    public final int[] length = new int[CAPACITY];
    public int count;

    /**
     * @param base CAPACITY * STRIDE bytes, 64-byte aligned, never freed while the batch is used
     */
    public PacketBatch(long base) {
        this.base = base;
    }

    /** Where packet {@code index} starts. */
    public long address(int index) {
        return base + (long) index * STRIDE + HEADROOM;
    }
}
