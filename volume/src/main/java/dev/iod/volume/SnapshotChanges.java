package dev.iod.volume;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.region.Providers;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** What is asked of snapshots: each in one transaction, with quota, allocation and goal. */
final class SnapshotChanges {
    private static final Set<Status> DELETABLE = Set.of(Status.AVAILABLE, Status.ERROR);

    private final Database database;

    SnapshotChanges(Database database) {
        this.database = database;
    }

    /**
     * What a new snapshot shall be.
     *
     * @param force also of a volume in use
     */
    record NewSnapshot(
            String volumeId,
            Optional<String> name,
            Optional<String> description,
            Map<String, String> metadata,
            boolean force) {
        NewSnapshot {
            metadata = Map.copyOf(metadata);
        }
    }

    /**
     * Makes a snapshot, which its volume's node does later. When the node is down or has no room
     * for it, it is in error and a message says so.
     *
     * @throws ApiException 404; 400 when the volume's status does not allow it; 413 beyond the
     *     quota
     */
    VolumeSnapshot create(Actor actor, NewSnapshot wanted) {
        return database.locked(
                handle -> {
                    // In the order in which all lock: quota, provider, volume.
                    Volume before = VolumeChanges.find(handle, actor, wanted.volumeId());
                    check(before, wanted.force());
                    VolumeQuotas.claimSnapshot(handle, actor.projectId(), before.sizeGib());
                    Providers.lock(handle, before.node().stream().toList());
                    Volume volume = VolumeChanges.lock(handle, actor, wanted.volumeId());
                    check(volume, wanted.force());
                    if (volume.sizeGib() > before.sizeGib()) {
                        // It has grown since; the quota is this transaction's already.
                        VolumeQuotas.claimSnapshot(handle, actor.projectId(), volume.sizeGib());
                    }
                    VolumeSnapshot made =
                            VolumeSnapshot.TABLE.insert(
                                    handle,
                                    new Columns()
                                            .set("id", UUID.randomUUID())
                                            .set("project_id", actor.projectId())
                                            .set("user_id", actor.userId())
                                            .set("name", wanted.name())
                                            .set("description", wanted.description())
                                            .set("volume_id", volume.id())
                                            .set("size_gib", volume.sizeGib())
                                            .set("status", Status.CREATING.text())
                                            .set("metadata", wanted.metadata())
                                            .set("bootable", volume.bootable())
                                            .set("image_metadata", volume.imageMetadata()));
                    Audit.record(handle, actor, "create snapshot", made.id().toString());
                    place(handle, actor, made);
                    // As it was asked for: what became of it is seen by the next look.
                    return made;
                });
    }

    /** Its blocks can all become its own, when its volume is written. */
    private static void place(Handle handle, Actor actor, VolumeSnapshot snapshot) {
        Optional<String> node =
                VolumePlacement.claimCopy(
                        handle, snapshot.id(), snapshot.node(), snapshot.sizeGib());
        if (node.isPresent()) {
            snapshot.change(
                    handle,
                    new Columns().set("goal_revision", NodeGoals.touch(handle, node.get())));
            return;
        }
        Message.write(
                handle,
                snapshot.projectId(),
                snapshot.id(),
                Message.Event.SNAPSHOT_SCHEDULE,
                "",
                actor.requestId());
        snapshot.change(handle, new Columns().set("status", Status.ERROR.text()));
    }

    private static void check(Volume volume, boolean force) {
        if (volume.node().isEmpty()) {
            throw VolumeChanges.invalid(
                    "The snapshot cannot be created because volume has not been scheduled to any"
                            + " host.");
        }
        if (volume.state() == Status.ERROR) {
            throw VolumeChanges.invalid(
                    "The snapshot cannot be created when the volume is in error status.");
        }
        if (volume.state() != Status.AVAILABLE && !(force && volume.state() == Status.IN_USE)) {
            throw VolumeChanges.invalid(
                    "Volume %s status must be %s, but current status is: %s."
                            .formatted(
                                    volume.id(),
                                    force ? "available, in-use" : "available",
                                    volume.state().text()));
        }
    }

    /**
     * Deletes a snapshot, which its node does later.
     *
     * @param force whatever its status is
     * @throws ApiException 404; 400 when its status does not allow it
     */
    void delete(Actor actor, String id, boolean force) {
        database.runLocked(
                handle -> {
                    VolumeSnapshot snapshot = lock(handle, actor, id);
                    if (!force && !DELETABLE.contains(snapshot.state())) {
                        throw ApiException.badRequest(
                                "Invalid snapshot: Snapshot status must be available or error and"
                                        + " must not be part of a group.");
                    }
                    Audit.record(handle, actor, "delete snapshot", snapshot.id().toString());
                    delete(handle, snapshot);
                });
    }

    /** Says that a locked snapshot shall go. */
    static void delete(Handle handle, VolumeSnapshot snapshot) {
        snapshot.change(
                handle,
                new Columns()
                        .set("status", Status.DELETING.text())
                        .set(
                                "goal_revision",
                                NodeGoals.touch(handle, snapshot.node().orElseThrow())));
    }

    static VolumeSnapshot find(Handle handle, Actor actor, String id) {
        return Formats.uuid(id)
                .flatMap(uuid -> VolumeSnapshot.find(handle, uuid))
                .filter(one -> actor.mayAccess(one.projectId()))
                .orElseThrow(() -> ApiException.notFound(missing(id)));
    }

    private static VolumeSnapshot lock(Handle handle, Actor actor, String id) {
        VolumeSnapshot before = find(handle, actor, id);
        Volume.lock(handle, before.volumeId());
        return VolumeSnapshot.lock(handle, before.id())
                .orElseThrow(() -> ApiException.notFound(missing(id)));
    }

    static String missing(String id) {
        return "Snapshot %s could not be found.".formatted(id);
    }
}
