package dev.iod.bench;

import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** A virtio-blk driver that keeps a number of requests outstanding and times each; polls. */
final class BlockLoad implements AutoCloseable {
    private static final int RING = 512;
    private static final int DATA_BYTES = 128 << 10;

    /** Tenths of microseconds up to a tenth of a second; the last one holds all that is longer. */
    private static final int BUCKETS = 1_000_000;

    private final FrontEnd frontEnd;
    private final BlockDriver driver;
    private final long volumeBytes;

    /** What is done: share of writes in percent, size, random or one after the other, depth. */
    record Work(String name, int writePercent, int bytes, boolean random, int depth) {}

    /** Figures of one run; latencies in microseconds. */
    record Result(long requests, double seconds, double p50, double p99, double p999) {
        double perSecond() {
            return requests / seconds;
        }
    }

    /** Dials a back end that listens. */
    BlockLoad(Path socket, long volumeBytes) {
        this.volumeBytes = volumeBytes;
        frontEnd =
                FrontEnd.dialling(
                        new FrontEnd.Options(
                                socket,
                                1,
                                RING,
                                BlockDriver.memoryBytes(1, RING, DATA_BYTES),
                                true));
        frontEnd.connect();
        driver = new BlockDriver(frontEnd, 0, DATA_BYTES);
    }

    Result run(Work work, double seconds) {
        int[] histogram = new int[BUCKETS];
        long[] begun = new long[work.depth];
        SplittableRandom random = new SplittableRandom(1);
        long blocks = volumeBytes / work.bytes;
        long next = 0;
        long begin = System.nanoTime();
        long end = begin + (long) (seconds * 1e9);
        long now = begin;
        for (int slot = 0; slot < work.depth; slot++) {
            offer(work, slot, work.random ? random.nextLong(blocks) : next++ % blocks, random);
            begun[slot] = now;
        }
        driver.kick();
        long requests = 0;
        int outstanding = work.depth;
        while (outstanding > 0) {
            boolean offered = false;
            while (driver.hasAnswer()) {
                int slot = driver.take();
                now = System.nanoTime();
                if (driver.status(slot) != BlockDriver.OK) {
                    throw new BenchException("a request failed with " + driver.status(slot));
                }
                histogram[(int) Math.min(BUCKETS - 1, (now - begun[slot]) / 100)]++;
                requests++;
                outstanding--;
                if (now < end) {
                    long block = work.random ? random.nextLong(blocks) : next++ % blocks;
                    offer(work, slot, block, random);
                    begun[slot] = now;
                    outstanding++;
                    offered = true;
                }
            }
            if (offered) {
                driver.kick();
            }
            Thread.onSpinWait();
        }
        double taken = (System.nanoTime() - begin) / 1e9;
        return new Result(
                requests,
                taken,
                percentile(histogram, requests, 0.5),
                percentile(histogram, requests, 0.99),
                percentile(histogram, requests, 0.999));
    }

    private void offer(Work work, int slot, long block, SplittableRandom random) {
        if (random.nextInt(100) < work.writePercent) {
            driver.write(slot, block * work.bytes, work.bytes);
        } else {
            driver.read(slot, block * work.bytes, work.bytes);
        }
    }

    private static double percentile(int[] histogram, long requests, double share) {
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
        frontEnd.close();
    }
}
