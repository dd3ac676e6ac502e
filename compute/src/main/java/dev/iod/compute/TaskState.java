package dev.iod.compute;

import java.util.Locale;

/** What is being done to a server ({@code OS-EXT-STS:task_state}); the API shows NONE as null. */
enum TaskState {
    NONE,
    /** It has no node yet. */
    SCHEDULING,
    SPAWNING,
    POWERING_ON,
    POWERING_OFF,
    REBOOTING,
    REBOOTING_HARD,
    PAUSING,
    UNPAUSING,
    /** It gets another root disk. */
    REBUILDING,
    RESCUING,
    UNRESCUING,
    DELETING;

    /** As the API writes it; the table keeps {@code none} for NONE. */
    String text() {
        return switch (this) {
            case POWERING_ON -> "powering-on";
            case POWERING_OFF -> "powering-off";
            case NONE,
                    SCHEDULING,
                    SPAWNING,
                    REBOOTING,
                    REBOOTING_HARD,
                    PAUSING,
                    UNPAUSING,
                    REBUILDING,
                    RESCUING,
                    UNRESCUING,
                    DELETING ->
                    name().toLowerCase(Locale.ROOT);
        };
    }

    static TaskState of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
