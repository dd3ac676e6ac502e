package dev.iod.block;

import dev.iod.sys.Errno;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;

/**
 * A back end that does what it is told to another one's requests: errors, delays, half writes, and
 * flushes that are answered without being done. Changed on the shard's thread only.
 */
final class InjectingBackend implements Backend {
    private final ShardContext shard;
    private final Backend target;
    private final int blockBytes;
    private final Map<Operation, Integer> errors = new EnumMap<>(Operation.class);
    private final Map<Operation, Long> delaysNanos = new EnumMap<>(Operation.class);
    private final Set<Operation> held = EnumSet.noneOf(Operation.class);
    private final Queue<BlockIo> waiting = new ArrayDeque<>();
    private Random jitter = new Random();
    private int jitterNanos;
    private boolean tearWrites;
    private boolean swallowFlushes;

    /**
     * @param blockBytes what it reads and writes at least, whatever the other one can
     */
    InjectingBackend(ShardContext shard, Backend target, int blockBytes) {
        this.shard = shard;
        this.target = target;
        this.blockBytes = Math.max(blockBytes, target.blockBytes());
    }

    /** Each request takes up to so long: they end in any order. */
    void jitter(Random random, int nanos) {
        jitter = random;
        jitterNanos = nanos;
    }

    /** From now on this operation fails; 0 = no longer. */
    void error(Operation operation, int errno) {
        errors.put(operation, errno);
    }

    void delay(Operation operation, long nanos) {
        delaysNanos.put(operation, nanos);
    }

    /** Requests of this operation take until {@link #release()}. */
    void hold(Operation operation) {
        held.add(operation);
    }

    /** Does what was held. */
    void release() {
        held.clear();
        while (!waiting.isEmpty()) {
            now(waiting.remove());
        }
    }

    /** Writes of one buffer do their first half and then fail. */
    void tearWrites(boolean on) {
        tearWrites = on;
    }

    /** The deliberately broken build: a flush is answered and nothing is synced. */
    void swallowFlushes() {
        swallowFlushes = true;
    }

    @Override
    public long sizeBytes() {
        return target.sizeBytes();
    }

    @Override
    public int blockBytes() {
        return blockBytes;
    }

    @Override
    public int memoryAlignment() {
        return target.memoryAlignment();
    }

    @Override
    public void submit(BlockIo io) {
        long delayNanos = delaysNanos.getOrDefault(io.operation(), 0L);
        if (jitterNanos > 0 && io.operation() != Operation.FLUSH) {
            delayNanos += jitter.nextInt(jitterNanos);
        }
        if (held.contains(io.operation())) {
            waiting.add(io);
        } else if (delayNanos > 0) {
            shard.schedule(delayNanos, () -> now(io));
        } else {
            now(io);
        }
    }

    private void now(BlockIo io) {
        int errno = errors.getOrDefault(io.operation(), 0);
        if (errno != 0) {
            io.done(-errno);
        } else if (io.operation() != Operation.FLUSH
                && ((io.offset() | io.length()) & (blockBytes - 1)) != 0) {
            io.done(-Errno.EINVAL);
        } else if (swallowFlushes && io.operation() == Operation.FLUSH) {
            io.done(0);
        } else if (tearWrites && io.operation() == Operation.WRITE && io.address() != 0) {
            io.length /= 2;
            target.submit(io);
            io.onRing((torn, result) -> torn.done(-Errno.EIO));
        } else {
            target.submit(io);
        }
    }

    @Override
    public void resized(long sizeBytes) {
        target.resized(sizeBytes);
    }

    @Override
    public void close() {
        target.close();
    }
}
