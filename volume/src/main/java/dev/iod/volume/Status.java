package dev.iod.volume;

import java.util.Locale;
import java.util.Set;

/** Cinder's statuses of volumes. */
enum Status {
    CREATING,
    AVAILABLE,
    EXTENDING,
    ERROR_EXTENDING,
    DELETING,
    ERROR_DELETING,
    /** It was not made, and there is nothing of it. */
    ERROR;

    private static final Set<Status> GOING = Set.of(DELETING, ERROR_DELETING, ERROR);

    static Status of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether its node shall have it. */
    boolean kept() {
        return !GOING.contains(this);
    }
}
