package dev.iod.compute;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

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
    /** It gets another flavor; its node has not taken that up. */
    RESIZE_PREP,
    /** Its machine stops. */
    RESIZE_MIGRATING,
    /** Its machine has stopped, and its disk becomes that of the other flavor. */
    RESIZE_MIGRATED,
    /** It starts with the other flavor. */
    RESIZE_FINISH,
    /** It gets the flavor and the disk again that it had. */
    RESIZE_REVERTING,
    /** An image is being made of it: its node takes the disk as it is. */
    IMAGE_SNAPSHOT,
    /** The same for a backup. */
    IMAGE_BACKUP,
    /** Its node has the disk as it was, and sends it soon. */
    IMAGE_PENDING_UPLOAD,
    IMAGE_UPLOADING,
    DELETING;

    private static final Set<TaskState> OF_RESIZE =
            EnumSet.of(RESIZE_PREP, RESIZE_MIGRATING, RESIZE_MIGRATED, RESIZE_FINISH);

    private static final Set<TaskState> OF_IMAGE =
            EnumSet.of(IMAGE_SNAPSHOT, IMAGE_BACKUP, IMAGE_PENDING_UPLOAD, IMAGE_UPLOADING);

    /** Whether it is about an image, and no report about the machine ends it. */
    boolean isOfImage() {
        return OF_IMAGE.contains(this);
    }

    /** Whether it is on its way to another flavor. */
    boolean isOfResize() {
        return OF_RESIZE.contains(this);
    }

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
                    RESIZE_PREP,
                    RESIZE_MIGRATING,
                    RESIZE_MIGRATED,
                    RESIZE_FINISH,
                    RESIZE_REVERTING,
                    IMAGE_SNAPSHOT,
                    IMAGE_BACKUP,
                    IMAGE_PENDING_UPLOAD,
                    IMAGE_UPLOADING,
                    DELETING ->
                    name().toLowerCase(Locale.ROOT);
        };
    }

    static TaskState of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
