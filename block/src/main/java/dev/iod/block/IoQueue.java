package dev.iod.block;

/** Requests that wait, first in, first out. Bounded by the number of requests there are. */
final class IoQueue {
    private BlockIo[] entries = new BlockIo[0];
    private int head;
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    /** Makes room for so many; not per request. */
    void capacity(int wanted) {
        if (wanted > entries.length) {
            BlockIo[] larger = new BlockIo[Integer.highestOneBit(wanted * 2 - 1)];
            for (int i = 0; i < size; i++) {
                larger[i] = entries[(head + i) & (entries.length - 1)];
            }
            entries = larger;
            head = 0;
        }
    }

    void add(BlockIo io) {
        if (size == entries.length) {
            capacity(size + 1);
        }
        entries[(head + size++) & (entries.length - 1)] = io;
    }

    BlockIo peek() {
        return entries[head];
    }

    BlockIo poll() {
        BlockIo io = entries[head];
        head = (head + 1) & (entries.length - 1);
        size--;
        return io;
    }
}
