package dev.iod.vhost;

import dev.iod.sys.Memory;

/**
 * The buffers of one request: first those the device reads, then those it writes (virtio 1.2
 * §2.7.4.2). Kept as struct iovec in memory of the owner's, ready for a system call. A request that
 * has more buffers than there is room for, or in another order, is not {@link #sound()}: it can be
 * answered with an error, not served. Engine thread only; used again and again.
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
    private long lastWritable;
    private boolean sound;

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
        lastWritable = 0;
        sound = true;
    }

    void add(long address, long length, boolean writable) {
        if (writable) {
            lastWritable = address + length - 1;
        }
        if (count == capacity || !writable && count > readable) {
            sound = false;
            return;
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

    /** Whether all buffers were collected and those to write come last. */
    public boolean sound() {
        return sound;
    }

    /** Address of the very last byte that the device may write, also of a chain not sound; or 0. */
    public long lastWritable() {
        return lastWritable;
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
}
