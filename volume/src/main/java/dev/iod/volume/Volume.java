package dev.iod.volume;

import dev.iod.store.Columns;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * A volume.
 *
 * @param number in the order of their making
 * @param sizeGib as its owner sees it
 * @param targetGib what its node is told; more while it grows
 * @param status the text of a {@link Status}
 * @param node whose pool has it; empty: not placed
 * @param goalRevision of the node's goal that carries what was asked last
 * @param snapshotId what it started as, likewise {@code sourceVolid}; there or not
 * @param imageId whose disk it becomes, while it is made; with it the next two
 * @param imageMetadata what the image said of itself that it, or what it is a copy of, started as
 * @param presence the text of a {@link Presence}
 * @param serverId the server that has it, or is to get or to give it; with it the next three
 */
record Volume(
        UUID id,
        long number,
        String projectId,
        String userId,
        Optional<String> name,
        Optional<String> description,
        long sizeGib,
        long targetGib,
        UUID typeId,
        String typeName,
        String status,
        boolean bootable,
        Map<String, String> metadata,
        Optional<String> node,
        long goalRevision,
        Optional<UUID> snapshotId,
        Optional<UUID> sourceVolid,
        Optional<String> imageId,
        Optional<String> imageSha256,
        Optional<Long> imageBytes,
        Map<String, String> imageMetadata,
        String presence,
        Instant createdAt,
        Optional<Instant> updatedAt,
        Optional<UUID> serverId,
        Optional<UUID> attachmentId,
        Optional<String> device,
        Optional<Instant> attachedAt) {
    /** As in Cinder, the newest comes first. */
    static final Table<Volume> TABLE =
            Table.of(Volume.class, "volume", "id")
                    .computed(
                            "type_name",
                            "(SELECT t.name FROM volume_type t WHERE t.id = volume.type_id)")
                    .computed(
                            "server_id",
                            "(SELECT a.server_id FROM volume_attachment a WHERE a.volume_id = volume.id)")
                    .computed(
                            "attachment_id",
                            "(SELECT a.id FROM volume_attachment a WHERE a.volume_id = volume.id)")
                    .computed(
                            "device",
                            "(SELECT a.device FROM volume_attachment a WHERE a.volume_id = volume.id)")
                    .computed(
                            "attached_at",
                            "(SELECT a.attached_at FROM volume_attachment a WHERE a.volume_id = volume.id)")
                    .sorted(
                            Map.of(
                                    "created_at", "number",
                                    "name", "coalesce(name, '')",
                                    "display_name", "coalesce(name, '')",
                                    "size", "size_gib",
                                    "status", "status",
                                    "updated_at", "coalesce(updated_at, created_at)",
                                    "user_id", "user_id",
                                    "project_id", "project_id",
                                    "bootable", "bootable"),
                            "created_at")
                    .reversed();

    Volume {
        metadata = Map.copyOf(metadata);
        imageMetadata = Map.copyOf(imageMetadata);
    }

    Status state() {
        return Status.of(status);
    }

    Presence present() {
        return Presence.of(presence);
    }

    /** Whether there was nothing of it, and there will not be. */
    boolean wasNotMade() {
        return state() == Status.ERROR && present() == Presence.COMING;
    }

    boolean isCopy() {
        return snapshotId.isPresent() || sourceVolid.isPresent();
    }

    /** Where what it starts as is. */
    Optional<String> nodeOfSource(Handle handle) {
        return snapshotId
                .flatMap(id -> VolumeSnapshot.find(handle, id))
                .flatMap(VolumeSnapshot::node)
                .or(() -> sourceVolid.flatMap(id -> find(handle, id)).flatMap(Volume::node));
    }

    /** Of any project. */
    static Optional<Volume> find(Handle handle, UUID id) {
        return TABLE.first(handle, TABLE.is(id));
    }

    /** The same, locked until the end of the transaction. */
    static Optional<Volume> lock(Handle handle, UUID id) {
        handle.createQuery("SELECT id FROM volume WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .mapTo(UUID.class)
                .list();
        return find(handle, id);
    }

    /** Those of a node in some statuses, in the order of their making. */
    static List<Volume> onNode(Handle handle, String node, List<Status> statuses) {
        return handle.createQuery(
                        "SELECT %s FROM volume WHERE node = :node AND status = ANY(:statuses) ORDER BY number"
                                .formatted(TABLE.select()))
                .bind("node", node)
                .bindArray("statuses", String.class, statuses.stream().map(Status::text).toList())
                .map(TABLE.mapper())
                .list();
    }

    /**
     * Those that a node shall have: what is deleted as well as long as something else is made of
     * it.
     */
    static List<Volume> kept(Handle handle, String node) {
        return handle.createQuery(
                        """
                        SELECT %s FROM volume
                        WHERE node = :node AND (
                            status NOT IN ('deleting', 'error_deleting')
                                AND (status <> 'error' OR presence <> 'coming')
                            OR EXISTS (SELECT 1 FROM volume copy
                                WHERE copy.source_volid = volume.id AND copy.status = 'creating'))
                        ORDER BY number
                        """
                                .formatted(TABLE.select()))
                .bind("node", node)
                .map(TABLE.mapper())
                .list();
    }

    /** Those of a node, locked; lock its provider first. */
    static List<Volume> lockOnNode(Handle handle, String node, List<Status> statuses) {
        handle.createQuery("SELECT id FROM volume WHERE node = :node ORDER BY number FOR UPDATE")
                .bind("node", node)
                .mapTo(UUID.class)
                .list();
        return onNode(handle, node, statuses);
    }

    /** Whether another is to be made of it, as large as it is; lock its provider first. */
    static boolean isBeingCopied(Handle handle, UUID id) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT 1 FROM volume WHERE source_volid = :id"
                                + " AND status = 'creating')")
                .bind("id", id)
                .mapTo(Boolean.class)
                .one();
    }

    /** Those that a server has, or is to get or to give, in the order of its devices. */
    static List<Volume> ofServer(Handle handle, UUID server) {
        return handle.createQuery(
                        """
                        SELECT %s FROM volume WHERE id IN
                            (SELECT volume_id FROM volume_attachment WHERE server_id = :server)
                        ORDER BY device
                        """
                                .formatted(TABLE.select()))
                .bind("server", server)
                .map(TABLE.mapper())
                .list();
    }

    /** Those that wait for a node, oldest first; what is made with a server waits with it. */
    static List<UUID> waiting(Handle handle) {
        return handle.createQuery(
                        "SELECT id FROM volume WHERE node IS NULL AND status = 'creating'"
                                + " AND NOT EXISTS (SELECT 1 FROM volume_attachment a"
                                + " WHERE a.volume_id = volume.id) ORDER BY number")
                .mapTo(UUID.class)
                .list();
    }

    /** Changes it. */
    Volume change(Handle handle, Columns columns) {
        columns.set("updated_at", Instant.now());
        return TABLE.update(handle, of(), columns).orElseThrow();
    }

    private Where of() {
        return TABLE.is(id);
    }
}
