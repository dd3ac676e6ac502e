package dev.iod.volume;

import java.util.Locale;

/** Whether a node's pool has what it shall have. */
enum Presence {
    /** It was never seen there. */
    COMING,
    MADE,
    /** It was there, and its node has said that it is not, or cannot be used. */
    LOST;

    static Presence of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
