package dev.iod.rest;

import java.net.SocketTimeoutException;
import java.time.Duration;

/** When a connection must be done with what it does. Set by its thread, read by others. */
final class Deadline {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final long bytesPerSecond;
    private volatile long endNanos;

    Deadline(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Begins anew. */
    void in(Duration time) {
        endNanos = System.nanoTime() + time.toNanos();
    }

    /** Not before that time from now. */
    void notBefore(Duration time) {
        long then = System.nanoTime() + time.toNanos();
        if (then - endNanos > 0) {
            endNanos = then;
        }
    }

    /** Bytes that were moved buy the time for as many more. */
    void moved(int bytes) {
        endNanos = endNanos + bytes * NANOS_PER_SECOND / bytesPerSecond;
    }

    /**
     * What is left, at least 1.
     *
     * @throws SocketTimeoutException when nothing is
     */
    int leftMillis() throws SocketTimeoutException {
        long left = (endNanos - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            throw new SocketTimeoutException("the time of the request is over");
        }
        return (int) Math.min(left, Integer.MAX_VALUE);
    }

    boolean passed(long nowNanos) {
        return nowNanos - endNanos > 0;
    }
}
