package dev.iod.region;

import java.time.Clock;
import java.time.Instant;

/**
 * The time that nodes have to be heard of before their silence means anything: {@link
 * Nodes#DOWN_AFTER} from the start of the region, and again whenever it was not listening, for
 * example because its database was away. Thread-safe.
 */
public final class Grace {
    private final Clock clock;
    private volatile Instant listeningSince;

    /** Begins now. */
    public Grace(Clock clock) {
        this.clock = clock;
        this.listeningSince = clock.instant();
    }

    /** Whether a node that is silent now has been silent for {@link Nodes#DOWN_AFTER}. */
    public boolean over() {
        return !listeningSince.isAfter(clock.instant().minus(Nodes.DOWN_AFTER));
    }

    /** Begins again. */
    void restart() {
        listeningSince = clock.instant();
    }
}
