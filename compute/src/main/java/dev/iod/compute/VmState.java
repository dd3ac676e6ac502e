package dev.iod.compute;

import java.util.Locale;

/** What a server is, as far as the region knows ({@code OS-EXT-STS:vm_state}). */
enum VmState {
    BUILDING,
    ACTIVE,
    PAUSED,
    RESCUED,
    /** It has another flavor, which is not confirmed yet. */
    RESIZED,
    STOPPED,
    ERROR;

    /** As the API and the table write it. */
    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static VmState of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}
