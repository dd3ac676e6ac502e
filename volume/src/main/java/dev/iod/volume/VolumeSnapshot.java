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
 * A volume as it was at one moment.
 *
 * @param number in the order of their making
 * @param sizeGib of its volume then
 * @param status the text of a {@link Status}; only some of them occur
 * @param bootable whether a server could start from the volume; likewise {@code imageMetadata}
 * @param presence the text of a {@link Presence}
 * @param goalRevision of the node's goal that carries what was asked last
 * @param node whose pool has it, as its volume
 */
record VolumeSnapshot(
        UUID id,
        long number,
        String projectId,
        String userId,
        Optional<String> name,
        Optional<String> description,
        UUID volumeId,
        long sizeGib,
        String status,
        Map<String, String> metadata,
        boolean bootable,
        Map<String, String> imageMetadata,
        String presence,
        long goalRevision,
        Instant createdAt,
        Optional<Instant> updatedAt,
        Optional<String> node) {
    /** Found by the indexes of both tables. */
    static final String ON_NODE = "volume_id IN (SELECT v.id FROM volume v WHERE v.node = :value)";

    /** As in Cinder, the newest comes first. */
    static final Table<VolumeSnapshot> TABLE =
            Table.of(VolumeSnapshot.class, "volume_snapshot", "id")
                    .computed(
                            "node",
                            "(SELECT v.node FROM volume v WHERE v.id = volume_snapshot.volume_id)")
                    .sorted(
                            Map.of(
                                    "created_at", "number",
                                    "display_name", "coalesce(name, '')",
                                    "volume_id", "volume_id",
                                    "volume_size", "size_gib",
                                    "status", "status",
                                    "updated_at", "coalesce(updated_at, created_at)",
                                    "user_id", "user_id",
                                    "project_id", "project_id"),
                            "created_at")
                    .reversed();

    VolumeSnapshot {
        metadata = Map.copyOf(metadata);
        imageMetadata = Map.copyOf(imageMetadata);
    }

    Status state() {
        return Status.of(status);
    }

    Presence present() {
        return Presence.of(presence);
    }

    /** Of any project. */
    static Optional<VolumeSnapshot> find(Handle handle, UUID id) {
        return TABLE.first(handle, TABLE.is(id));
    }

    /** The same, locked until the end of the transaction; lock its volume first. */
    static Optional<VolumeSnapshot> lock(Handle handle, UUID id) {
        handle.createQuery("SELECT id FROM volume_snapshot WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .mapTo(UUID.class)
                .list();
        return find(handle, id);
    }

    /** Those of a volume, in the order of their making. */
    static List<VolumeSnapshot> ofVolume(Handle handle, UUID volume) {
        return select(handle, "volume_id = :value", volume);
    }

    /** Those of a node's volumes. */
    static List<VolumeSnapshot> onNode(Handle handle, String node) {
        return select(handle, ON_NODE, node);
    }

    /** The same, locked; lock the node's volumes first. */
    static List<VolumeSnapshot> lockOnNode(Handle handle, String node) {
        handle.createQuery(
                        "SELECT id FROM volume_snapshot WHERE "
                                + ON_NODE
                                + " ORDER BY number FOR UPDATE")
                .bind("value", node)
                .mapTo(UUID.class)
                .list();
        return onNode(handle, node);
    }

    /**
     * Those that a node shall have: what is deleted as well as long as something else is made of
     * it.
     */
    static List<VolumeSnapshot> kept(Handle handle, String node) {
        return select(
                handle,
                ON_NODE
                        + """
                         AND (
                            status NOT IN ('deleting', 'error_deleting')
                                AND (status <> 'error' OR presence <> 'coming')
                            OR EXISTS (SELECT 1 FROM volume copy
                                WHERE copy.snapshot_id = volume_snapshot.id
                                    AND copy.status = 'creating'))
                        """,
                node);
    }

    private static List<VolumeSnapshot> select(Handle handle, String condition, Object value) {
        return handle.createQuery(
                        "SELECT %s FROM volume_snapshot WHERE %s ORDER BY number"
                                .formatted(TABLE.select(), condition))
                .bind("value", value)
                .map(TABLE.mapper())
                .list();
    }

    /** Changes it. */
    VolumeSnapshot change(Handle handle, Columns columns) {
        columns.set("updated_at", Instant.now());
        return TABLE.update(handle, of(), columns).orElseThrow();
    }

    Where of() {
        return TABLE.is(id);
    }
}
