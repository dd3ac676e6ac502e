package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waiting for what another thread or process does. */
final class Eventually {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Eventually() {}

    /** Looks until something is as it shall be; fails with what it was last after 20 seconds. */
    static <T> void is(T wanted, Callable<T> look) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        T seen = look.call();
        while (!seen.equals(wanted) && System.nanoTime() < deadline) {
            Thread.sleep(10);
            seen = look.call();
        }
        assertThat(seen).isEqualTo(wanted);
    }
}
