package dev.iod.rest;

import java.util.HashMap;
import java.util.Map;

/**
 * The bytes of bodies that may be in memory at once, in all and of one payer. Nobody waits for
 * bytes: who waits holds what others wait for. Thread-safe.
 */
final class ByteBudget {
    private final long totalBytes;
    private final long payerBytes;
    private final Map<String, Long> used = new HashMap<>();
    private long usedBytes;

    ByteBudget(long totalBytes, long payerBytes) {
        this.totalBytes = totalBytes;
        this.payerBytes = payerBytes;
    }

    /** An account of one request; closing it gives everything back. */
    Reservation open(String payer) {
        return new Reservation(payer);
    }

    /** Bytes taken by all. */
    synchronized long usedBytes() {
        return usedBytes;
    }

    private synchronized boolean take(String payer, long bytes) {
        long payers = used.getOrDefault(payer, 0L) + bytes;
        if (usedBytes + bytes > totalBytes || payers > payerBytes) {
            return false;
        }
        usedBytes += bytes;
        used.put(payer, payers);
        return true;
    }

    private synchronized void give(String payer, long bytes) {
        usedBytes -= bytes;
        used.computeIfPresent(payer, (name, has) -> has == bytes ? null : has - bytes);
    }

    /** What one request has taken. Of one thread. */
    final class Reservation implements AutoCloseable {
        private final String payer;
        private long bytes;

        private Reservation(String payer) {
            this.payer = payer;
        }

        /**
         * Takes more.
         *
         * @throws ApiException 503 when that is more than there is
         */
        void take(long more) {
            if (!ByteBudget.this.take(payer, more)) {
                throw new ApiException(
                        Fault.UNAVAILABLE,
                        "Too much data of requests and answers is under way at once; try again.");
            }
            bytes += more;
        }

        /** Gives some of it back before the end. */
        void give(long less) {
            ByteBudget.this.give(payer, less);
            bytes -= less;
        }

        @Override
        public void close() {
            if (bytes > 0) {
                ByteBudget.this.give(payer, bytes);
                bytes = 0;
            }
        }
    }
}
