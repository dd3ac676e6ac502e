package dev.iod.block;

import dev.iod.sys.Memory;
import dev.iod.vhost.Chain;
import dev.iod.vhost.RequestRing;

/**
 * One request of a guest, and the step of it that the back end is doing. Made once for each entry
 * of a ring and used again and again; shard thread only.
 *
 * <p>A back end reads the fields of the step: {@link #operation()}, {@link #offset()}, {@link
 * #length()}, then either one buffer ({@link #address()} is not 0) or {@link #vectorCount()} struct
 * iovecs at {@link #vectors()}.
 */
public final class BlockIo implements ShardContext.RingTask {
    /** Most buffers of a request beside header and status (seg_max). */
    static final int MAX_SEGMENTS = 126;

    private static final int MAX_PIECES = MAX_SEGMENTS + 4;

    /** Memory each request needs for its struct iovecs. */
    static final int VECTOR_BYTES = MAX_PIECES * Chain.VECTOR_BYTES;

    final VirtioFront front;
    final Chain chain;
    final int ringIndex;
    final int head;
    int token;

    // The request.
    RequestRing ring;
    Operation requestOperation = Operation.FLUSH;
    long requestOffset;
    long requestLength;
    boolean unmap;
    boolean durable;
    long dataVectors;
    int dataVectorCount;
    long statusAddress;
    int statusVector;
    int written;

    /** Taken from its ring and not over. */
    boolean taken;

    /** Writes parts of blocks, and is under way: see {@link Overlaps}. */
    boolean partialWrite;

    /** With the back end, or in line for a bounce buffer: it comes back by itself. */
    boolean away;

    // How far it is.
    long progress;
    boolean bounced;
    boolean zeroFill;

    /** The whole blocks of a range to be zeroed are zero: what is left is its two ends. */
    boolean middleZeroed;

    boolean syncing;
    long bounce;

    /** Bytes of the request that the piece in the bounce buffer has. */
    int chunk;

    /** Where they begin in the buffer, which holds whole blocks. */
    int lead;

    /** Bytes of these blocks. */
    int span;

    /** Which of them are being read, because the piece has only a part of them. */
    Edge edge = Edge.NONE;

    int retries;

    // The step.
    Operation operation = Operation.FLUSH;
    long offset;
    long length;
    long address;
    boolean fixed;
    long result;

    /** What a step by the ring returned is for the back end that queued it. */
    private RingCompletion completion = BlockIo::done;

    /** The blocks of a piece that it may write only in part. */
    enum Edge {
        NONE,
        FIRST,
        LAST
    }

    /** How a back end interprets the ring's result. */
    interface RingCompletion {
        void completed(BlockIo io, int result);
    }

    BlockIo(VirtioFront front, int ringIndex, int head, long vectors, RequestRing ring) {
        this.front = front;
        this.ringIndex = ringIndex;
        this.head = head;
        this.ring = ring;
        chain = new Chain(vectors, MAX_PIECES);
    }

    public Operation operation() {
        return operation;
    }

    /** Bytes from the start of the volume. */
    public long offset() {
        return offset;
    }

    public long length() {
        return length;
    }

    /** The only buffer, or 0. */
    public long address() {
        return address;
    }

    /** Whether {@link #address()} is in the ring's registered buffer. */
    public boolean fixed() {
        return fixed;
    }

    public long vectors() {
        return dataVectors;
    }

    public int vectorCount() {
        return dataVectorCount;
    }

    /** Space may be given back (WRITE_ZEROES). */
    public boolean unmap() {
        return unmap;
    }

    /** A write is answered when it is on stable media: the driver cannot flush. */
    public boolean durable() {
        return durable;
    }

    /** Token of ring entries for this request; see {@link #onRing}. */
    public int token() {
        return token;
    }

    /** Who gets the ring's result of the entry queued with {@link #token()}. */
    public void onRing(RingCompletion next) {
        completion = next;
    }

    @Override
    public void completed(int result) {
        completion.completed(this, result);
    }

    /** The step is over: bytes moved (READ, WRITE), 0 for others, or a negative errno. */
    public void done(long outcome) {
        away = false;
        result = outcome;
        front.guarded((of, io) -> of.volume().stepDone(io), this);
    }

    /** Gives the step to the back end, from where it comes back by {@link #done}. */
    void submit(Backend backend) {
        away = true;
        backend.submit(this);
    }

    long vectorAddress(int index) {
        return Memory.readLong(dataVectors + (long) index * Chain.VECTOR_BYTES);
    }

    long vectorLength(int index) {
        return Memory.readLong(dataVectors + (long) index * Chain.VECTOR_BYTES + 8);
    }
}
