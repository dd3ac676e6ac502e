package dev.iod.region;

import java.util.Locale;

/** What a consumer has its allocations on a provider for. */
public enum AllocationRole {
    /** It runs there, or shall. */
    ACTIVE,
    /** It is on its way there. */
    TARGET;

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
