package dev.iod.dpu;

import java.time.Duration;

/** Ending the agent's own threads. */
final class Threads {
    private static final Duration LIMIT = Duration.ofSeconds(4);

    private Threads() {}

    /** Interrupts and waits a moment; all of them are daemons, so none can keep the process. */
    static void stop(Thread thread) {
        thread.interrupt();
        try {
            thread.join(LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
