package dev.iod.bench;

import dev.iod.sys.Linux;
import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A virtio-blk driver of some volumes that keeps a number of requests outstanding on each and times
 * every one. Polls, or waits for interrupts as a guest does.
 */
final class BlockLoad implements AutoCloseable {
    private static final int RING = 512;
    private static final int DATA_BYTES = 128 << 10;
    private static final long STALL_NANOS = 30_000_000_000L;
    private static final int LOOKS_BETWEEN_CLOCKS = 1 << 16;

    /** Tenths of microseconds up to a second; the last one holds all that is longer. */
    private static final int BUCKETS = 10_000_000;

    private final List<FrontEnd> frontEnds = new ArrayList<>();
    private final List<BlockDriver> drivers = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(1);
    private final int[] histogram = new int[BUCKETS];
    private final int dataBytes;
    private long sequential;

    /**
     * What is done: share of writes in percent, size, random or one after the other, depth; and
     * whether answers are waited for, which leaves the processor to others, or looked for.
     */
    record Work(
            String name, int writePercent, int bytes, boolean random, int depth, boolean waits) {
        String label() {
            return name + "-qd" + depth;
        }
    }

    /** Figures of one run; latencies in microseconds. */
    record Result(long requests, double seconds, double p50, double p99, double p999) {
        double perSecond() {
            return requests / seconds;
        }
    }

    BlockLoad(Path socket) {
        this(DATA_BYTES);
        connect(socket);
    }

    /**
     * Without volumes yet.
     *
     * @param dataBytes most data of a request
     */
    BlockLoad(int dataBytes) {
        this.dataBytes = dataBytes;
    }

    /** Dials a back end that listens: one volume more. */
    void connect(Path socket) {
        long bytes = BlockDriver.memoryBytes(1, RING, dataBytes);
        FrontEnd frontEnd = FrontEnd.dialling(new FrontEnd.Options(socket, 1, RING, bytes, true));
        frontEnds.add(frontEnd);
        frontEnd.connect();
        drivers.add(new BlockDriver(frontEnd, 0, dataBytes));
    }

    /** On all volumes at once. */
    Result run(Work work, double seconds) {
        return new Running(work, seconds).run();
    }

    /** One run. */
    private final class Running {
        private final Work work;
        private final long begin = System.nanoTime();
        private final long end;
        private final long[][] begun;
        private long requests;
        private int outstanding;
        private long lastAnswer = begin;

        Running(Work work, double seconds) {
            this.work = work;
            end = begin + (long) (seconds * 1e9);
            begun = new long[drivers.size()][work.depth];
            Arrays.fill(histogram, 0);
        }

        Result run() {
            for (int i = 0; i < begun.length; i++) {
                for (int slot = 0; slot < work.depth; slot++) {
                    // Zeros would spare an encrypted volume its work.
                    Memory.fill(drivers.get(i).data(slot), work.bytes, 0x5a);
                    offer(i, slot, System.nanoTime());
                }
                drivers.get(i).kick();
            }
            for (int looks = 0; outstanding > 0; looks++) {
                for (int i = 0; i < begun.length; i++) {
                    take(i);
                }
                if (work.waits) {
                    await();
                } else if (looks % LOOKS_BETWEEN_CLOCKS == 0) {
                    checkStalled();
                }
                Thread.onSpinWait();
            }
            return new Result(
                    requests,
                    (System.nanoTime() - begin) / 1e9,
                    percentile(requests, 0.5),
                    percentile(requests, 0.99),
                    percentile(requests, 0.999));
        }

        /** Sleeps until there is an answer of a volume, or for a second. */
        private void await() {
            int[] calls = new int[begun.length];
            boolean answered = false;
            for (int i = 0; i < calls.length; i++) {
                DriverRing ring = drivers.get(i).ring();
                ring.callDescriptor().drain();
                ring.wantInterruptAfter(1);
                answered |= ring.completed() > 0;
                calls[i] = ring.callDescriptor().fd();
            }
            if (!answered && outstanding > 0 && Linux.pollReadable(calls, 1000) == 0) {
                checkStalled();
            }
        }

        private void take(int volume) {
            BlockDriver driver = drivers.get(volume);
            boolean offered = false;
            while (driver.hasAnswer()) {
                int slot = driver.take();
                long now = System.nanoTime();
                if (driver.status(slot) != BlockDriver.OK) {
                    throw new BenchException("a request failed with " + driver.status(slot));
                }
                histogram[(int) Math.min(BUCKETS - 1, (now - begun[volume][slot]) / 100)]++;
                requests++;
                outstanding--;
                lastAnswer = now;
                if (now < end) {
                    offer(volume, slot, now);
                    offered = true;
                }
            }
            if (offered) {
                driver.kick();
            }
        }

        private void offer(int volume, int slot, long now) {
            BlockDriver driver = drivers.get(volume);
            long blocks = BlockLab.VOLUME_BYTES / work.bytes;
            long block = work.random ? random.nextLong(blocks) : sequential++ % blocks;
            if (random.nextInt(100) < work.writePercent) {
                driver.write(slot, block * work.bytes, work.bytes);
            } else {
                driver.read(slot, block * work.bytes, work.bytes);
            }
            begun[volume][slot] = now;
            outstanding++;
        }

        private void checkStalled() {
            if (System.nanoTime() - lastAnswer > STALL_NANOS) {
                throw new BenchException("no answer for " + STALL_NANOS / 1_000_000_000 + " s");
            }
        }
    }

    private double percentile(long requests, double share) {
        long wanted = (long) Math.ceil(requests * share);
        long seen = 0;
        for (int i = 0; i < histogram.length; i++) {
            seen += histogram[i];
            if (seen >= wanted) {
                return i / 10.0;
            }
        }
        return BUCKETS / 10.0;
    }

    @Override
    public void close() {
        frontEnds.forEach(FrontEnd::close);
    }
}
