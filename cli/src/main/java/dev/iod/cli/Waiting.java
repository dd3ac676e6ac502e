package dev.iod.cli;

import java.util.function.BooleanSupplier;

/** Waiting for a condition with a deadline. */
final class Waiting {
    private static final long STEP_MILLIS = 100;

    private Waiting() {}

    /**
     * @throws CliException when the condition does not come true in time
     */
    static void until(String what, int seconds, BooleanSupplier condition) {
        if (!within(seconds, condition)) {
            throw new CliException(gaveUp(what, seconds));
        }
    }

    /** What is said when time is up. */
    static String gaveUp(String what, int seconds) {
        return "gave up after "
                + seconds
                + " s: "
                + what
                + "; look at ./iod logs, and run ./iod up again to go on";
    }

    static boolean within(int seconds, BooleanSupplier condition) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            try {
                Thread.sleep(STEP_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CliException("interrupted", e);
            }
        }
        return true;
    }
}
