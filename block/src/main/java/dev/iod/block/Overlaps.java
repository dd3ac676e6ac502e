package dev.iod.block;

/**
 * Keeps requests of one volume apart that meet in a block of its storage of which one of them
 * writes a part. Such a block is read, changed and written as a whole: what another request writes
 * to it meanwhile would be lost, and who reads an encrypted one could see neither old nor new.
 *
 * <p>Requests of whole blocks are only looked at while one that writes parts is under way. One that
 * has to wait makes all that come after it wait too, in their order, so that it is never overtaken
 * for ever and looking costs little: each step compares with at most the requests of the rings,
 * {@link #MAX_PARTIAL} times a turn. Shard thread only; allocates nothing per request.
 */
final class Overlaps {
    /** Requests that write parts of blocks and are under way at once. */
    static final int MAX_PARTIAL = 32;

    private final int blockMask;
    private final IoQueue waiting = new IoQueue();
    private final BlockIo[] partial = new BlockIo[MAX_PARTIAL];
    private int partialCount;

    /** As many as {@link #partial} and {@link #waiting} hold. */
    private int held;

    /**
     * @param blockBytes what the storage reads and writes at least, a power of two
     */
    Overlaps(int blockBytes) {
        blockMask = blockBytes - 1;
    }

    /** Makes room for as many requests that wait; not per request. */
    void capacity(int requests) {
        waiting.capacity(requests);
    }

    /** How many requests others may have to wait for; at 0 those of whole blocks just begin. */
    int held() {
        return held;
    }

    /** Puts a request in line when it may not begin now; else it is under way. */
    boolean mustWait(BlockIo io) {
        if (!waiting.isEmpty() || meetsUnderWay(io)) {
            waiting.add(io);
            held++;
            return true;
        }
        enter(io);
        return false;
    }

    boolean anyWaiting() {
        return !waiting.isEmpty();
    }

    /** Whether the first in line may begin now. */
    boolean firstMayBegin() {
        return !waiting.isEmpty() && !meetsUnderWay(waiting.peek());
    }

    /** Takes the first out of the line: it is under way. */
    BlockIo beginFirst() {
        BlockIo io = abandonFirst();
        enter(io);
        return io;
    }

    /** Takes the first out of the line: it will not be carried out. */
    BlockIo abandonFirst() {
        held--;
        return waiting.poll();
    }

    private void enter(BlockIo io) {
        if (writesParts(io)) {
            io.partialWrite = true;
            partial[partialCount++] = io;
            held++;
        }
    }

    /** A request that writes parts of blocks is over. */
    void left(BlockIo io) {
        io.partialWrite = false;
        for (int i = 0; i < partialCount; i++) {
            if (partial[i] == io) {
                partial[i] = partial[--partialCount];
                held--;
                return;
            }
        }
        throw new AssertionError("a request that was not under way");
    }

    private boolean writesParts(BlockIo io) {
        boolean writes =
                io.requestOperation == Operation.WRITE
                        || io.requestOperation == Operation.WRITE_ZEROES;
        return writes && ((io.requestOffset | io.requestLength) & blockMask) != 0;
    }

    private boolean meetsUnderWay(BlockIo io) {
        if (writesParts(io)) {
            return partialCount == MAX_PARTIAL || io.front.anyAway(this, io);
        }
        for (int i = 0; i < partialCount; i++) {
            if (meets(io, partial[i])) {
                return true;
            }
        }
        return false;
    }

    /** Whether two requests have a block in common. */
    boolean meets(BlockIo one, BlockIo other) {
        return other.requestOperation != Operation.FLUSH
                && firstBlock(one) < other.requestOffset + other.requestLength
                && firstBlock(other) < one.requestOffset + one.requestLength;
    }

    private long firstBlock(BlockIo io) {
        return io.requestOffset & ~(long) blockMask;
    }
}
