package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what another thread, or the kernel, does in its own time. */
final class Await {
    private static final long DEADLINE_NANOS = 60_000_000_000L;
    private static final long STEP_NANOS = 20_000;

    private Await() {}

    /** Returns when the condition holds; fails after a minute. */
    static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).as("within a minute").isNegative();
            LockSupport.parkNanos(STEP_NANOS);
        }
    }
}
