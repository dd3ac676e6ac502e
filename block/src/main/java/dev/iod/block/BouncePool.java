package dev.iod.block;

import dev.iod.sys.IoUring;
import dev.iod.sys.Mapping;

/**
 * Buffers of a shard for what cannot go straight between guest and storage: misaligned buffers and
 * encryption. Requests that find none wait in line. Registered with the ring, so that their pages
 * are not looked up for each transfer.
 */
final class BouncePool implements AutoCloseable {
    /** Larger requests go through in pieces. */
    static final int BUFFER_BYTES = 128 << 10;

    static final int COUNT = 64;

    private final Mapping memory = Mapping.anonymous((long) COUNT * BUFFER_BYTES);
    private final long[] free = new long[COUNT];
    private int freeCount;
    final IoQueue waiting = new IoQueue();

    BouncePool(IoUring ring) {
        for (int i = 0; i < COUNT; i++) {
            free[freeCount++] = memory.address() + (long) i * BUFFER_BYTES;
        }
        ring.registerBuffer(memory.address(), memory.lengthBytes());
    }

    /** A buffer, or 0 when all are in use. */
    long take() {
        return freeCount == 0 ? 0 : free[--freeCount];
    }

    /** How many are not in use. */
    int free() {
        return freeCount;
    }

    void give(long buffer) {
        free[freeCount++] = buffer;
    }

    @Override
    public void close() {
        memory.close();
    }
}
