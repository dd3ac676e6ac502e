package dev.iod.ovsdb;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Tells a peer that is gone from one that has nothing to say or is at work. Only the time counts in
 * which we wait for its bytes: while we work on what it said, silence is ours. A peer is asked
 * first, and gone when it does not answer that; one that owes an answer to something else as well
 * is given longer, because ovsdb-server answers nothing at all while it works on one request.
 *
 * <p>{@link #waiting} and {@link #received} belong to the thread that reads, {@link #look} to the
 * one that watches.
 */
final class Silence {
    /** How many intervals an unanswered request may take. */
    static final int PATIENCE = 12;

    private final LongSupplier clock;
    private volatile boolean waiting;

    /** When the present wait began. */
    private volatile long sinceNanos;

    /** When the peer was asked; means something only after {@link #sinceNanos}. */
    private long askedNanos;

    private boolean asked;

    /** What is to be done. */
    enum Verdict {
        FINE,
        ASK,
        GONE
    }

    /**
     * @param clock as {@link System#nanoTime}
     */
    Silence(LongSupplier clock) {
        this.clock = clock;
    }

    /** From now on the peer's bytes are waited for. */
    void waiting() {
        sinceNanos = clock.getAsLong();
        waiting = true;
    }

    void received() {
        waiting = false;
    }

    /**
     * @param interval until the peer is asked, and as long again until it is gone
     * @param unanswered it owes an answer to a request
     */
    Verdict look(Duration interval, boolean unanswered) {
        long since = sinceNanos;
        long now = clock.getAsLong();
        if (asked && askedNanos - since < 0) {
            asked = false;
        }
        if (!waiting || now - since <= interval.toNanos()) {
            return Verdict.FINE;
        }
        if (!asked) {
            return Verdict.ASK;
        }
        long limit = interval.toNanos() * (unanswered ? PATIENCE : 1);
        return now - askedNanos > limit ? Verdict.GONE : Verdict.FINE;
    }

    /** The peer was sent something that it answers when it can. */
    void asked() {
        askedNanos = clock.getAsLong();
        asked = true;
    }
}
