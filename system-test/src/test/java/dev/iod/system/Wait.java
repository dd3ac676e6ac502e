package dev.iod.system;

import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for a condition with a deadline. */
final class Wait {
    private Wait() {}

    static void until(String what, int seconds, BooleanSupplier condition) {
        until(() -> what, seconds, condition);
    }

    /**
     * @param what was waited for, and what is seen of it; asked when it did not come
     */
    static void until(Supplier<String> what, int seconds, BooleanSupplier condition) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + seconds + " s: " + what.get());
            }
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted", e);
            }
        }
    }
}
