package dev.iod.console;

import java.time.Duration;

/**
 * One way of a visit: since when a piece waits for who shall take it, and how fast they may follow
 * each other. Used by one thread; others may ask whether it is {@link #stuck}.
 */
final class Flow {
    /** In the long run; what was not used of a second may follow at once. */
    static final long BYTES_PER_SECOND = 4L << 20;

    /** How long a piece may wait. A node ends a use after 10 s by itself. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private volatile boolean waiting;
    private volatile long sinceNanos;
    private long freeNanos = System.nanoTime();

    /** A piece is there, and waits until it is {@link #taken}. */
    void waits() {
        sinceNanos = System.nanoTime();
        waiting = true;
    }

    /** The piece was taken; waits until the next may come. */
    void taken(int bytes) throws InterruptedException {
        waiting = false;
        Thread.sleep(pause(bytes, System.nanoTime()));
    }

    /** How long the next piece has to wait after one of so many bytes. */
    Duration pause(int bytes, long nowNanos) {
        if (nowNanos - freeNanos > NANOS_PER_SECOND) {
            freeNanos = nowNanos - NANOS_PER_SECOND;
        }
        freeNanos += bytes * NANOS_PER_SECOND / BYTES_PER_SECOND;
        return Duration.ofNanos(Math.max(0, freeNanos - nowNanos));
    }

    boolean isWaiting() {
        return waiting;
    }

    /** Whether a piece has waited for too long. */
    boolean stuck(long nowNanos) {
        return waiting && nowNanos - sinceNanos > PATIENCE.toNanos();
    }
}
