package dev.iod.volume;

import dev.iod.store.Table;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Why something that was answered with 202 came to nothing, as Cinder's user messages tell it.
 *
 * @param event the name of an {@link Event}
 * @param details what a node said, for administrators; may be empty
 */
record Message(
        UUID id,
        long number,
        String projectId,
        UUID resourceId,
        String event,
        String details,
        String requestId,
        Instant createdAt) {
    static final Duration LIFETIME = Duration.ofDays(30);

    /** What is kept of one volume: its owner can make them by requests that come to nothing. */
    static final int MAX_OF_VOLUME = 50;

    /** The newest comes first. */
    static final Table<Message> TABLE =
            Table.of(Message.class, "volume_message", "id")
                    .sorted(
                            Map.of(
                                    "created_at", "number",
                                    "event_id", "event",
                                    "resource_uuid", "resource_id",
                                    "request_id", "request_id"),
                            "created_at")
                    .reversed();

    /** What came to nothing, in Cinder's words and numbers. */
    enum Event {
        SCHEDULE(
                "VOLUME_VOLUME_001_003",
                "schedule allocate volume:Could not find any available weighted backend."),
        CREATE(
                "VOLUME_VOLUME_008_001",
                "create volume from backend storage:An unknown error occurred."),
        UPLOAD(
                "VOLUME_VOLUME_003_004",
                "copy volume to image:Failed to upload volume to image at backend."),
        NO_ROOM_TO_EXTEND("VOLUME_VOLUME_007_007", "extend volume:There is no room on its node."),
        EXTEND("VOLUME_VOLUME_007_001", "extend volume:An unknown error occurred."),
        LOST("VOLUME_VOLUME_027_001", "volume:Its node cannot find or use it any more."),
        ATTACH("VOLUME_VOLUME_002_001", "attach volume:The guest has not taken it yet."),
        DETACH("VOLUME_VOLUME_011_001", "detach volume:The guest has not let go of it yet."),
        DELETE("VOLUME_VOLUME_010_001", "delete volume:An unknown error occurred."),
        DELETE_WITH_SNAPSHOTS(
                "VOLUME_VOLUME_010_028",
                "delete volume:It has snapshots, and did not go with its server."),
        SNAPSHOT_SCHEDULE(
                "VOLUME_VOLUME_SNAPSHOT_009_003",
                "create snapshot:Could not find any available weighted backend."),
        SNAPSHOT_CREATE(
                "VOLUME_VOLUME_SNAPSHOT_009_013", "create snapshot:Snapshot failed to create."),
        SNAPSHOT_DELETE(
                "VOLUME_VOLUME_SNAPSHOT_010_016", "delete snapshot:Snapshot failed to delete."),
        SNAPSHOT_LOST(
                "VOLUME_VOLUME_SNAPSHOT_027_001",
                "snapshot:Its node cannot find or use it any more.");

        private final String id;
        private final String words;

        Event(String id, String words) {
            this.id = id;
            this.words = words;
        }

        String id() {
            return id;
        }

        /** What it is about, as Cinder's type of resource. */
        String resourceType() {
            return name().startsWith("SNAPSHOT_") ? "VOLUME_SNAPSHOT" : "VOLUME";
        }

        String words() {
            return words;
        }
    }

    /**
     * Writes one for the owner of a volume, and forgets those that are too old, or of this volume
     * and not among the newest {@value #MAX_OF_VOLUME}.
     */
    static void write(Handle handle, Volume volume, Event event, String details, String requestId) {
        write(handle, volume.projectId(), volume.id(), event, details, requestId);
    }

    /** The same for the owner of a volume or snapshot. */
    static void write(
            Handle handle,
            String projectId,
            UUID resourceId,
            Event event,
            String details,
            String requestId) {
        handle.execute(
                "INSERT INTO volume_message (project_id, resource_id, event, details, request_id)"
                        + " VALUES (?, ?, ?, ?, ?)",
                projectId,
                resourceId,
                event.name(),
                details,
                requestId);
        handle.execute("DELETE FROM volume_message WHERE created_at < now() - interval '30 days'");
        handle.execute(
                "DELETE FROM volume_message WHERE resource_id = ? AND number <="
                        + " (SELECT number FROM volume_message WHERE resource_id = ?"
                        + " ORDER BY number DESC OFFSET ? LIMIT 1)",
                resourceId,
                resourceId,
                MAX_OF_VOLUME);
    }

    Event what() {
        return Event.valueOf(event);
    }
}
