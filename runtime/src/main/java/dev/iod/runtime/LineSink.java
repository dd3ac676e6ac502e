package dev.iod.runtime;

import java.io.PrintStream;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Writes lines, at most {@value #BURST} at once and {@value #LINES_PER_SECOND} a second: a fault
 * that repeats must not fill the disk. What was left out is counted in the next line written.
 */
final class LineSink {
    static final int BURST = 1000;
    static final int LINES_PER_SECOND = 200;
    private static final long NANOS_PER_LINE = 1_000_000_000L / LINES_PER_SECOND;

    private final PrintStream out;
    private final LongSupplier nanoTime;
    private long tokens = BURST;
    private long refilledNanos;
    private long leftOut;

    LineSink(PrintStream out, LongSupplier nanoTime) {
        this.out = out;
        this.nanoTime = nanoTime;
        this.refilledNanos = nanoTime.getAsLong();
    }

    void write(Level level, String logger, String message, Optional<Throwable> thrown) {
        String line = LogLine.of(Instant.now(), level, logger, message, thrown);
        synchronized (this) {
            refill();
            if (tokens == 0) {
                leftOut++;
                return;
            }
            tokens--;
            if (leftOut > 0) {
                String note = "records left out count=" + leftOut;
                leftOut = 0;
                put(LogLine.of(Instant.now(), Level.WARNING, "log", note, Optional.empty()));
            }
            put(line);
        }
    }

    private void refill() {
        long earned = (nanoTime.getAsLong() - refilledNanos) / NANOS_PER_LINE;
        if (earned > 0) {
            tokens = Math.min(BURST, tokens + earned);
            refilledNanos += earned * NANOS_PER_LINE;
        }
    }

    private void put(String line) {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        out.write(bytes, 0, bytes.length);
        out.flush();
    }
}
