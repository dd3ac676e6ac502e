package dev.iod.vhost;

import dev.iod.sys.Memory;

/**
 * Which requests of one split ring the device has taken and not answered, in memory that outlives
 * this process ("Inflight I/O tracking" of the vhost-user protocol: QueueRegionSplit,
 * DescStateSplit). The order of the stores is the protocol's: killed between any two of them, the
 * next process finds every request either answered or still in flight, never both and never
 * neither. Engine thread only.
 */
final class InflightRegion {
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 16;
    private static final int STATE_BYTES = 16;
    private static final int ALIGNMENT = 64;

    private static final int VERSION_AT = 8;
    private static final int COUNT_AT = 10;
    private static final int LAST_BATCH_AT = 12;
    private static final int USED_AT = 14;
    private static final int NEXT_AT = 6;
    private static final int COUNTER_AT = 8;

    private final long base;
    private final int size;
    private final int[] batch;
    private int batchLength;
    private long counter;

    /**
     * @param base 8-byte aligned, {@link #bytes} long
     * @param size entries of the ring
     */
    InflightRegion(long base, int size) {
        this.base = base;
        this.size = size;
        this.batch = new int[size];
    }

    /** Bytes for a ring of up to {@code size} entries. */
    static long bytes(int size) {
        return (HEADER_BYTES + (long) STATE_BYTES * size + ALIGNMENT - 1) & -ALIGNMENT;
    }

    private long state(int head) {
        return Memory.base(base + HEADER_BYTES + (long) head * STATE_BYTES);
    }

    /**
     * Finds what the previous owner of the ring left.
     *
     * @param used the used index in guest memory
     * @return heads in flight, in the order in which they were taken
     */
    int[] recover(int used) {
        if (Memory.readShort(base + VERSION_AT) != VERSION
                || Memory.readShort(base + COUNT_AT) != size) {
            Memory.fill(base, HEADER_BYTES + (long) STATE_BYTES * size, 0);
            Memory.writeShort(base + COUNT_AT, size);
            Memory.writeShort(base + USED_AT, used);
            Memory.writeShortRelease(base + VERSION_AT, VERSION);
            return new int[0];
        }
        finishLastBatch(used);
        int count = 0;
        int[] heads = new int[size];
        for (int head = 0; head < size; head++) {
            if (Memory.readByte(state(head)) != 0) {
                insert(heads, count++, head);
            }
        }
        counter = count == 0 ? 0 : counterOf(heads[count - 1]) + 1;
        return java.util.Arrays.copyOf(heads, count);
    }

    /** The used index was published, but not everything that follows from it was noted. */
    private void finishLastBatch(int used) {
        int answered = (used - Memory.readShort(base + USED_AT)) & 0xffff;
        if (answered <= size) {
            int head = Memory.readShort(base + LAST_BATCH_AT);
            for (int i = 0; i < answered && head < size; i++) {
                Memory.writeByte(state(head), 0);
                head = Memory.readShort(state(head) + NEXT_AT);
            }
        }
        Memory.storeFence();
        Memory.writeShort(base + USED_AT, used);
    }

    /** Insertion by counter: at most a ring's entries, once per connection. */
    private void insert(int[] heads, int count, int head) {
        int at = count;
        while (at > 0 && counterOf(heads[at - 1]) - counterOf(head) > 0) {
            heads[at] = heads[at - 1];
            at--;
        }
        heads[at] = head;
    }

    private long counterOf(int head) {
        return Memory.readLong(state(head) + COUNTER_AT);
    }

    /** A request is taken from the available ring. */
    void taken(int head) {
        long state = state(head);
        Memory.writeLong(state + COUNTER_AT, counter++);
        Memory.storeFence();
        Memory.writeByte(state, 1);
        Memory.storeFence();
    }

    /** A request was put into the used ring, whose index is not published yet. */
    void answered(int head) {
        Memory.writeShort(state(head) + NEXT_AT, Memory.readShort(base + LAST_BATCH_AT));
        Memory.storeFence();
        Memory.writeShort(base + LAST_BATCH_AT, head);
        Memory.storeFence();
        batch[batchLength++] = head;
    }

    /** The used index was published. */
    void published(int used) {
        Memory.storeFence();
        for (int i = 0; i < batchLength; i++) {
            Memory.writeByte(state(batch[i]), 0);
        }
        batchLength = 0;
        Memory.storeFence();
        Memory.writeShort(base + USED_AT, used);
    }
}
