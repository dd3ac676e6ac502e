package dev.iod.rest;

import java.net.SocketTimeoutException;
import java.time.Duration;

/** When a connection must be done with what it does. Thread-safe. */
final class Deadline {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final long bytesPerSecond;
    private volatile long endNanos;
    private boolean last;

    Deadline(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Begins anew. */
    synchronized void in(Duration time) {
        last = false;
        endNanos = System.nanoTime() + time.toNanos();
    }

    /** Gives what is done now that long, whatever else is done meanwhile, until it begins anew. */
    synchronized void last(Duration time) {
        in(time);
        last = true;
    }

    /** Begins anew, but for what is the last. */
    synchronized void again(Duration time) {
        if (!last) {
            in(time);
        }
    }

    /** Not before that time from now. */
    synchronized void notBefore(Duration time) {
        long then = System.nanoTime() + time.toNanos();
        if (!last && then - endNanos > 0) {
            endNanos = then;
        }
    }

    /** Bytes that were moved buy the time for as many more. */
    synchronized void moved(int bytes) {
        if (!last) {
            endNanos = endNanos + bytes * NANOS_PER_SECOND / bytesPerSecond;
        }
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
