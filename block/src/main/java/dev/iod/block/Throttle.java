package dev.iod.block;

/**
 * Two token buckets, operations and bytes. A request may start when neither is in debt and is then
 * charged in full, so that large requests are served and the average holds. After a rest a tenth of
 * a second's worth may start at once. Shard thread only; time is given, so tests need no clock.
 */
final class Throttle {
    private static final long BURST_NANOS = 100_000_000;

    private final Bucket operations = new Bucket();
    private final Bucket bytes = new Bucket();

    /** One bucket; the balance is kept as time, which needs no rounding. */
    private static final class Bucket {
        private double nanosPerUnit;

        /** When the debt is paid off. */
        private double clearNanos;

        void rate(long perSecond, long nowNanos) {
            nanosPerUnit = perSecond == 0 ? 0 : 1e9 / perSecond;
            clearNanos = nowNanos;
        }

        double waitNanos(long nowNanos) {
            return nanosPerUnit == 0 ? 0 : clearNanos - nowNanos;
        }

        void charge(long units, long nowNanos) {
            if (nanosPerUnit != 0) {
                clearNanos =
                        Math.max(clearNanos, (double) nowNanos - BURST_NANOS)
                                + units * nanosPerUnit;
            }
        }
    }

    void limits(Limits limits, long nowNanos) {
        operations.rate(limits.operationsPerSecond(), nowNanos);
        bytes.rate(limits.bytesPerSecond(), nowNanos);
    }

    /** How long the next request has to wait, nanoseconds; 0 or less = it may start. */
    long waitNanos(long nowNanos) {
        return (long) Math.max(operations.waitNanos(nowNanos), bytes.waitNanos(nowNanos));
    }

    void charge(long requestBytes, long nowNanos) {
        operations.charge(1, nowNanos);
        bytes.charge(requestBytes, nowNanos);
    }
}
