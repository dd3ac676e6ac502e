package dev.iod.compute;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** {@code status} of a server: Nova's table from vm_state and task_state. */
enum ApiStatus {
    ACTIVE,
    BUILD,
    REBOOT,
    HARD_REBOOT,
    REBUILD,
    RESIZE,
    /** It has another flavor, and whoever asked for that shall see whether it is right. */
    VERIFY_RESIZE,
    REVERT_RESIZE,
    PAUSED,
    RESCUE,
    SHUTOFF,
    ERROR,
    /** The node has not been heard of for a while: what the server does is not known. */
    UNKNOWN;

    static ApiStatus of(VmState vm, TaskState task, boolean nodeLost) {
        if (nodeLost) {
            return UNKNOWN;
        }
        if (task.isOfResize() && vm != VmState.ERROR) {
            return RESIZE;
        }
        if (task == TaskState.RESIZE_REVERTING && vm != VmState.ERROR) {
            return REVERT_RESIZE;
        }
        return switch (vm) {
            case BUILDING -> BUILD;
            case PAUSED -> PAUSED;
            case RESCUED -> RESCUE;
            case RESIZED -> VERIFY_RESIZE;
            case STOPPED -> task == TaskState.REBUILDING ? REBUILD : SHUTOFF;
            case ERROR -> task == TaskState.REBUILDING ? REBUILD : ERROR;
            case ACTIVE ->
                    switch (task) {
                        case REBOOTING -> REBOOT;
                        case REBOOTING_HARD -> HARD_REBOOT;
                        case REBUILDING -> REBUILD;
                        case NONE,
                                SCHEDULING,
                                SPAWNING,
                                POWERING_ON,
                                POWERING_OFF,
                                PAUSING,
                                UNPAUSING,
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
                                ACTIVE;
                    };
        };
    }

    /** The statuses of texts in any case; unknown ones are left out. */
    static List<ApiStatus> parse(List<String> texts) {
        List<String> wanted = texts.stream().map(t -> t.toUpperCase(Locale.ROOT)).toList();
        return Arrays.stream(values()).filter(s -> wanted.contains(s.name())).toList();
    }

    /** Whether Nova shows {@code progress}. */
    boolean hasProgress() {
        return switch (this) {
            case ACTIVE, BUILD, REBUILD, RESIZE, VERIFY_RESIZE -> true;
            case REBOOT, HARD_REBOOT, REVERT_RESIZE, PAUSED, RESCUE, SHUTOFF, ERROR, UNKNOWN ->
                    false;
        };
    }
}
