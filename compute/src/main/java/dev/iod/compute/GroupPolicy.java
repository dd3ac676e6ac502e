package dev.iod.compute;

import java.util.Locale;

/** The policy of a server group; the hard ones are enforced in the capacity claim. */
enum GroupPolicy {
    AFFINITY,
    ANTI_AFFINITY,
    SOFT_AFFINITY,
    SOFT_ANTI_AFFINITY;

    /** As the API writes it. */
    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The policy of a text that passed the request's schema. */
    static GroupPolicy of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
