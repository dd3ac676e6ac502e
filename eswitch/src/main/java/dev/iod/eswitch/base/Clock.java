package dev.iod.eswitch.base;

/** The engine's clock. */
public final class Clock {
    private Clock() {}

    /** The monotonic clock, milliseconds, shared with other processes of this boot. */
    public static long nowMillis() {
        return System.nanoTime() / 1_000_000;
    }
}
