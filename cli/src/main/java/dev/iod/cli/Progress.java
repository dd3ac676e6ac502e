package dev.iod.cli;

/** What a long command says while it works, on standard error: one line for each finished step. */
final class Progress {
    void done(String what, long sinceNanos) {
        System.err.printf("  %-32s %6.1f s%n", what, (System.nanoTime() - sinceNanos) / 1e9);
    }

    void say(String what) {
        System.err.println("  " + what);
    }
}
