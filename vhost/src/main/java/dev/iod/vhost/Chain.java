package dev.iod.vhost;

import dev.iod.sys.Memory;

/**
 * The buffers of one request: first those the device reads, then those it writes. Kept as struct
 * iovec in memory of the owner's, ready for a system call. Engine thread only; used again and
 * again.
 */
public final class Chain {
    /** Bytes of one struct iovec. */
    public static final int VECTOR_BYTES = 16;

    private final long vectors;
    private final int capacity;
    private int readable;
    private int count;
    private long readableBytes;
    private long writableBytes;

    /**
     * @param vectors memory of {@code capacity} times {@link #VECTOR_BYTES}
     * @param capacity most buffers a request may have, 2 or more
     */
    public Chain(long vectors, int capacity) {
        this.vectors = vectors;
        this.capacity = capacity;
    }

    void clear() {
        readable = 0;
        count = 0;
        readableBytes = 0;
        writableBytes = 0;
    }

    void add(long address, long length, boolean writable) {
        if (count == capacity) {
            throw violation("a request of more than " + capacity + " buffers");
        }
        if (!writable && count > readable) {
            throw violation("a buffer to read after one to write");
        }
        long at = Memory.base(vectors + (long) count * VECTOR_BYTES);
        Memory.writeLong(at, address);
        Memory.writeLong(at + 8, length);
        count++;
        if (writable) {
            writableBytes += length;
        } else {
            readable++;
            readableBytes += length;
        }
    }

    /** Address of the struct iovec of buffer {@code index}; readable ones come first. */
    public long vector(int index) {
        return Memory.base(vectors + (long) index * VECTOR_BYTES);
    }

    /** Number of buffers the device reads. */
    public int readable() {
        return readable;
    }

    /** Number of all buffers. */
    public int count() {
        return count;
    }

    public long readableBytes() {
        return readableBytes;
    }

    public long writableBytes() {
        return writableBytes;
    }

    private static VhostException violation(String what) {
        return new VhostException(VhostException.Category.RING, what);
    }
}
