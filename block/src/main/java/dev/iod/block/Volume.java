package dev.iod.block;

import dev.iod.sys.AesXts;
import dev.iod.sys.Errno;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A volume in use: holds requests to its limits, gives them to its back end by {@link Transfer},
 * and decides how they are answered. Who asks, and how the answer gets there, is {@link
 * VirtioFront}'s.
 *
 * <p>What holds: a flush that is answered with success was a successful sync of everything answered
 * before it; after a sync that failed nothing is ever answered with success again. Shard thread
 * only; allocates nothing per request. What touches the guest's buffers is called inside {@link
 * VirtioFront#guarded}.
 */
final class Volume {
    private static final int MAX_RETRIES = 8;

    private final Backend backend;
    private final Optional<AesXts> cipher;
    private final Transfer transfer;
    private final Consumer<String> onFailure;
    private final long[] counters = new long[VolumeCounter.values().length];
    private final Throttle throttle = new Throttle();
    private final IoQueue throttled = new IoQueue();
    private final Overlaps overlaps;
    private final long blockMask;
    private String failed;
    private String lastError = "";

    /**
     * @param backend this volume's from now on
     * @param cipher the same
     * @param failed why the volume has failed for good; empty when it has not
     * @param onFailure is told when it does
     */
    Volume(
            Backend backend,
            Optional<AesXts> cipher,
            BouncePool bounces,
            Limits limits,
            String failed,
            Consumer<String> onFailure) {
        this.backend = backend;
        this.cipher = cipher;
        this.failed = failed;
        this.onFailure = onFailure;
        transfer = new Transfer(backend, cipher, bounces, counters);
        overlaps = new Overlaps(transfer.blockBytes());
        blockMask = transfer.blockBytes() - 1;
        throttle.limits(limits, System.nanoTime());
    }

    /** Whole blocks of the storage: requests may begin and end at any sector of them. */
    long sizeBytes() {
        return backend.sizeBytes() & ~blockMask;
    }

    // ---------------------------------------------------------------- starting requests

    /** Makes room for as many requests that wait; not per request. */
    void capacity(int requests) {
        throttled.capacity(requests);
        overlaps.capacity(requests);
    }

    /** Carries out a request, now or when its turn comes. */
    void start(BlockIo io, long nowNanos) {
        if (!failed.isEmpty()) {
            finish(io, VirtioBlk.IO_ERROR);
        } else if (io.requestOperation == Operation.FLUSH) {
            // Never behind the volume's own debt: what waits there is not answered yet, and a
            // flush speaks only of what is.
            submit(io, Operation.FLUSH);
        } else if (throttled.isEmpty() && throttle.waitNanos(nowNanos) <= 0) {
            charge(io, nowNanos);
            begin(io);
        } else {
            counters[VolumeCounter.THROTTLED.ordinal()]++;
            throttled.add(io);
        }
    }

    /** Answers a request that cannot be carried out. */
    void refuse(BlockIo io, int status) {
        counters[VolumeCounter.REFUSED.ordinal()]++;
        io.front.answer(io, status);
    }

    /** Answers a request that needed no storage. */
    void answered(BlockIo io) {
        io.front.answer(io, failed.isEmpty() ? VirtioBlk.OK : VirtioBlk.IO_ERROR);
    }

    private void charge(BlockIo io, long nowNanos) {
        boolean moves =
                io.requestOperation == Operation.READ || io.requestOperation == Operation.WRITE;
        throttle.charge(moves ? io.requestLength : 0, nowNanos);
    }

    /** Whether requests wait for their limits. */
    boolean throttling() {
        return !throttled.isEmpty();
    }

    /** When a request that waits may start, nanoseconds from now; Long.MAX_VALUE = none waits. */
    long wakeAfterNanos(long nowNanos) {
        return throttled.isEmpty() ? Long.MAX_VALUE : Math.max(1, throttle.waitNanos(nowNanos));
    }

    /** Starts requests whose turn has come. @return whether there were any */
    boolean startThrottled(long nowNanos) {
        boolean any = false;
        while (!throttled.isEmpty() && throttle.waitNanos(nowNanos) <= 0) {
            leaveThrottle(nowNanos);
            any = true;
        }
        return any;
    }

    /** Starts all that wait: the rings are about to change or end. */
    void dropLimits() {
        while (!throttled.isEmpty()) {
            leaveThrottle(System.nanoTime());
        }
    }

    private void leaveThrottle(long nowNanos) {
        BlockIo io = throttled.poll();
        charge(io, nowNanos);
        io.front.guarded((front, each) -> front.volume().begin(each), io);
    }

    /** The requests of a connection that has ended wait no longer, and are not carried out. */
    void abandonWaiting() {
        while (!throttled.isEmpty()) {
            BlockIo io = throttled.poll();
            io.front.end(io);
        }
        while (overlaps.anyWaiting()) {
            BlockIo io = overlaps.abandonFirst();
            io.front.end(io);
        }
    }

    /** Whether requests wait for others that they overlap. */
    boolean overlapping() {
        return overlaps.anyWaiting();
    }

    /** Starts requests that waited for others that are over. @return whether there were any */
    boolean startOverlapping() {
        boolean any = false;
        while (overlaps.firstMayBegin()) {
            carryOutAny(overlaps.beginFirst());
            any = true;
        }
        return any;
    }

    void begin(BlockIo io) {
        io.retries = 0;
        io.syncing = false;
        if ((within(io) | overlaps.held()) == 0) {
            carryOut(io);
        } else if (!overlaps.mustWait(io)) {
            carryOutAny(io);
        }
    }

    /** Not 0: begins or ends within a block of the storage. */
    private long within(BlockIo io) {
        return (io.requestOffset | io.requestLength) & blockMask;
    }

    private void carryOutAny(BlockIo io) {
        if (failed.isEmpty() && within(io) != 0) {
            transfer.beginPartial(io);
        } else {
            carryOut(io);
        }
    }

    /** Of whole blocks, or on a volume that has failed. */
    private void carryOut(BlockIo io) {
        if (!failed.isEmpty()) {
            finish(io, VirtioBlk.IO_ERROR);
        } else if (io.requestOperation == Operation.READ
                || io.requestOperation == Operation.WRITE) {
            transfer.begin(io);
        } else {
            submit(io, io.requestOperation);
        }
    }

    private void submit(BlockIo io, Operation operation) {
        io.operation = operation;
        io.offset = io.requestOffset;
        io.length = io.requestLength;
        io.address = 0;
        io.fixed = false;
        io.submit(backend);
    }

    /** A bounce buffer is free for a request that waited for one. */
    void bounceReady(BlockIo io) {
        transfer.nextChunk(io);
    }

    // ---------------------------------------------------------------- ending them

    /** The back end has done a step; see {@link BlockIo#done}. */
    void stepDone(BlockIo io) {
        long result = io.result;
        if (result < 0) {
            stepFailed(io, (int) -result);
        } else if (io.operation == Operation.READ || io.operation == Operation.WRITE) {
            if (result == 0) {
                stepFailed(io, Errno.EIO);
            } else if (transfer.moved(io, result)) {
                succeed(io);
            }
        } else if (io.operation == Operation.WRITE_ZEROES && io.partialWrite) {
            transfer.zeroEnds(io);
        } else {
            succeed(io);
        }
    }

    private void succeed(BlockIo io) {
        boolean sync =
                io.requestOperation == Operation.DISCARD
                        || io.requestOperation == Operation.WRITE_ZEROES;
        if (io.durable && sync && !io.syncing) {
            io.syncing = true;
            submit(io, Operation.FLUSH);
            return;
        }
        finish(io, VirtioBlk.OK);
    }

    private void stepFailed(BlockIo io, int errno) {
        if ((errno == Errno.EAGAIN || errno == Errno.EINTR) && io.retries++ < MAX_RETRIES) {
            io.submit(backend);
            return;
        }
        if (errno == Errno.EOPNOTSUPP && io.operation == Operation.WRITE_ZEROES) {
            transfer.beginZeros(io);
            return;
        }
        counters[VolumeCounter.ERRORS.ordinal()]++;
        String what = io.operation + " of " + io.length + " bytes at " + io.offset;
        lastError = what + ": " + Errno.describe(errno);
        boolean sync =
                io.operation == Operation.FLUSH
                        || io.operation == Operation.WRITE && io.durable && errno == Errno.EIO;
        if (sync && failed.isEmpty()) {
            // What the kernel could not write it has forgotten: a later sync would succeed without
            // it. So there is none.
            failed = "a sync failed: " + lastError;
            onFailure.accept(failed);
        }
        finish(io, VirtioBlk.IO_ERROR);
    }

    private void finish(BlockIo io, int status) {
        int answer = failed.isEmpty() ? status : VirtioBlk.IO_ERROR;
        if (answer == VirtioBlk.OK) {
            count(io);
        }
        io.front.answer(io, answer);
    }

    private void count(BlockIo io) {
        switch (io.requestOperation) {
            case READ -> {
                counters[VolumeCounter.READS.ordinal()]++;
                counters[VolumeCounter.BYTES_READ.ordinal()] += io.requestLength;
            }
            case WRITE -> {
                counters[VolumeCounter.WRITES.ordinal()]++;
                counters[VolumeCounter.BYTES_WRITTEN.ordinal()] += io.requestLength;
            }
            case FLUSH -> counters[VolumeCounter.FLUSHES.ordinal()]++;
            case DISCARD, WRITE_ZEROES -> counters[VolumeCounter.DISCARDS.ordinal()]++;
        }
    }

    /** Gives back what a request holds; it is over. */
    void release(BlockIo io) {
        if (io.partialWrite) {
            overlaps.left(io);
        }
        transfer.release(io);
    }

    // ---------------------------------------------------------------- the engine's wishes

    void resized(long sizeBytes) {
        backend.resized(sizeBytes);
    }

    void limit(Limits limits) {
        throttle.limits(limits, System.nanoTime());
    }

    /** By ordinal of {@link VolumeCounter}; a copy. */
    long[] counters() {
        return counters.clone();
    }

    /** Why nothing is answered with success any more; empty when it is. */
    String failed() {
        return failed;
    }

    /** The storage's last error; empty when there was none. */
    String lastError() {
        return lastError;
    }

    /** No request is under way. */
    void close() {
        cipher.ifPresent(AesXts::close);
        backend.close();
    }
}
