package dev.iod.cli;

/** One line for each finished step, with its time. */
final class Progress {
    private final long start = System.nanoTime();

    void done(String what, long sinceNanos) {
        System.out.printf("  %-32s %6.1f s%n", what, (System.nanoTime() - sinceNanos) / 1e9);
    }

    double totalSeconds() {
        return (System.nanoTime() - start) / 1e9;
    }
}
