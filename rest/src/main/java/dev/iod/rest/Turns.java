package dev.iod.rest;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Turns of requests to run: so many at once in all, and of one payer, first come, first served. A
 * payer's share is smaller than the pool of database connections, so nobody has all of those.
 * Thread-safe.
 */
final class Turns {
    private final Semaphore all;
    private final int perPayer;
    private final Duration wait;
    private final Map<String, Share> shares = new HashMap<>();

    private static final class Share {
        private final Semaphore free;
        private int users;

        Share(int permits) {
            free = new Semaphore(permits, true);
        }
    }

    Turns(int total, int perPayer, Duration wait) {
        this.all = new Semaphore(total, true);
        this.perPayer = perPayer;
        this.wait = wait;
    }

    /**
     * Waits for a turn.
     *
     * @throws ApiException 429 when the payer has no turn free for too long, 503 when nobody has
     */
    Turn take(String payer) {
        Share share = enter(payer);
        try {
            acquire(share.free, Fault.TOO_MANY_REQUESTS, "Too many requests of one project");
            try {
                acquire(all, Fault.UNAVAILABLE, "Too many requests");
            } catch (ApiException e) {
                share.free.release();
                throw e;
            }
            return new Turn(payer, share);
        } catch (ApiException e) {
            leave(payer, share);
            throw e;
        }
    }

    /** Payers that run or wait. */
    synchronized int payers() {
        return shares.size();
    }

    private void acquire(Semaphore semaphore, Fault fault, String what) {
        try {
            if (!semaphore.tryAcquire(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new ApiException(fault, what + " run at once; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        }
    }

    private synchronized Share enter(String payer) {
        Share share = shares.computeIfAbsent(payer, name -> new Share(perPayer));
        share.users++;
        return share;
    }

    private synchronized void leave(String payer, Share share) {
        share.users--;
        if (share.users == 0) {
            shares.remove(payer);
        }
    }

    /** A turn, until it is closed. Of one thread. */
    final class Turn implements AutoCloseable {
        private final String payer;
        private final Share share;
        private boolean over;

        private Turn(String payer, Share share) {
            this.payer = payer;
            this.share = share;
        }

        /** Ends it; more than once does no harm. */
        @Override
        public void close() {
            if (!over) {
                over = true;
                all.release();
                share.free.release();
                leave(payer, share);
            }
        }
    }
}
