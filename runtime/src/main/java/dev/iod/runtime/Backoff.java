package dev.iod.runtime;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: doubles from {@code first} to {@code most}, and each wait
 * is drawn from the upper half of its step so that peers which failed together do not come back
 * together. Not thread safe.
 */
public final class Backoff {
    private final long firstMillis;
    private final long mostMillis;
    private final RandomGenerator random;
    private long stepMillis;

    public Backoff(Duration first, Duration most, RandomGenerator random) {
        if (first.toMillis() < 1 || most.compareTo(first) < 0) {
            throw new IllegalArgumentException("need 1 ms <= first <= most: " + first + " " + most);
        }
        this.firstMillis = first.toMillis();
        this.mostMillis = most.toMillis();
        this.random = random;
        this.stepMillis = firstMillis;
    }

    /** From 100 ms to 5 s: for connections on one machine or in one region. */
    public static Backoff ofConnection() {
        return new Backoff(
                Duration.ofMillis(100), Duration.ofSeconds(5), RandomGenerator.getDefault());
    }

    /** The wait after one more failure. */
    public Duration next() {
        long step = stepMillis;
        stepMillis = Math.min(mostMillis, step * 2);
        long half = step / 2;
        return Duration.ofMillis(half + random.nextLong(step - half + 1));
    }

    /** To be called after a success. */
    public void reset() {
        stepMillis = firstMillis;
    }
}
