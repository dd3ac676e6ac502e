package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.region.Providers;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** What is asked of volumes: each in one transaction, with quota, allocation and goal. */
final class VolumeChanges {
    private static final Set<Status> DELETABLE =
            Set.of(Status.AVAILABLE, Status.ERROR, Status.ERROR_EXTENDING);

    private static final Set<Status> RESET = Set.of(Status.AVAILABLE, Status.ERROR, Status.IN_USE);

    private static final Set<Status> SNAPSHOTS_GO =
            Set.of(Status.AVAILABLE, Status.ERROR, Status.DELETING, Status.ERROR_DELETING);

    private static final String STATUS =
            "status must be available or error or error_restoring or error_extending or"
                    + " error_managing and";

    private final Database database;
    private final Images images;
    private final VolumePlacement placement;

    VolumeChanges(Database database, Images images, VolumePlacement placement) {
        this.database = database;
        this.images = images;
        this.placement = placement;
    }

    /**
     * Makes a volume, which its node does later.
     *
     * @throws ApiException 400 and 404 for what it shall start as; 404 for an unknown type; 413
     *     beyond the quota
     */
    Volume create(Actor actor, NewVolume wanted) {
        return database.locked(
                handle -> {
                    VolumeContent content = VolumeContent.of(handle, actor, images, wanted);
                    VolumeQuotas.claim(handle, actor.projectId(), content.gib());
                    Volume made = VolumeMaking.insert(handle, actor, images, wanted, content);
                    placement.place(
                            handle,
                            made,
                            actor.requestId(),
                            nodesOf(handle, actor, wanted.sameHost()));
                    if (made.isCopy()) {
                        // What it is a copy of may have changed until its node was locked.
                        VolumeContent.of(handle, actor, images, wanted);
                    }
                    // As it was asked for: what became of it is seen by the next look.
                    return made;
                });
    }

    /** The nodes of those volumes that the caller may see; empty when none was named. */
    private static Optional<Set<String>> nodesOf(Handle handle, Actor actor, List<String> ids) {
        return ids.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        ids.stream()
                                .flatMap(id -> Formats.uuid(id).stream())
                                .flatMap(id -> Volume.find(handle, id).stream())
                                .filter(one -> actor.mayAccess(one.projectId()))
                                .flatMap(one -> one.node().stream())
                                .collect(Collectors.toSet()));
    }

    /**
     * Deletes a volume, which its node does later.
     *
     * @param force whatever its status is
     * @param cascade with its snapshots; otherwise it must have none
     * @throws ApiException 404; 400 when its status does not allow it
     */
    void delete(Actor actor, String id, boolean force, boolean cascade) {
        database.runLocked(
                handle -> {
                    Volume volume = lockedWithNode(handle, actor, id);
                    List<VolumeSnapshot> snapshots = VolumeSnapshot.ofVolume(handle, volume.id());
                    boolean free =
                            cascade
                                    ? snapshots.stream()
                                            .map(VolumeSnapshot::state)
                                            .allMatch(SNAPSHOTS_GO::contains)
                                    : snapshots.isEmpty();
                    if (!free || !force && !DELETABLE.contains(volume.state())) {
                        throw invalid(
                                ("Volume %s must not be migrating, attached, belong to a group,"
                                                + " have snapshots, awaiting a transfer, or be"
                                                + " disassociated from snapshots after volume"
                                                + " transfer.")
                                        .formatted(force ? "" : STATUS));
                    }
                    if (volume.serverId().isPresent()) {
                        throw invalid(
                                "Volume %s is still attached, detach volume first."
                                        .formatted(volume.id()));
                    }
                    Audit.record(handle, actor, "delete volume", volume.id().toString());
                    images.endCapture(handle, volume.id());
                    if (volume.node().isEmpty()) {
                        VolumeObservations.remove(handle, images, volume);
                        return;
                    }
                    for (VolumeSnapshot snapshot : snapshots) {
                        VolumeSnapshot.lock(handle, snapshot.id())
                                .filter(one -> one.state() != Status.DELETING)
                                .ifPresent(one -> SnapshotChanges.delete(handle, one));
                    }
                    volume.change(
                            handle,
                            new Columns()
                                    .set("status", Status.DELETING.text())
                                    .set(
                                            "goal_revision",
                                            NodeGoals.touch(handle, volume.node().get())));
                });
    }

    /**
     * Gives a volume another status, for an administrator who knows better than the region. What
     * its node says of it afterwards counts as before.
     *
     * @throws ApiException 404; 400 for a status that it cannot have, as it is
     */
    void resetStatus(Actor actor, String id, String text) {
        database.runLocked(
                handle -> {
                    Volume volume = lockedWithNode(handle, actor, id);
                    Status status =
                            RESET.stream()
                                    .filter(one -> one.text().equals(text))
                                    .findAny()
                                    .orElseThrow(() -> cannotReset(text, ""));
                    checkReset(volume, status);
                    Audit.record(handle, actor, "reset status of volume", volume.id().toString());
                    images.endCapture(handle, volume.id());
                    Columns columns = new Columns();
                    if (volume.present() == Presence.COMING) {
                        // In error, there is nothing of it.
                        VolumePlacement.free(handle, volume);
                        columns = VolumeMaking.ended(handle, images, volume);
                    }
                    if (volume.node().isPresent()) {
                        columns.set("goal_revision", NodeGoals.touch(handle, volume.node().get()));
                    }
                    volume.change(handle, columns.set("status", status.text()));
                });
    }

    private static void checkReset(Volume volume, Status status) {
        boolean attached = volume.serverId().isPresent();
        if (status == Status.IN_USE && !attached) {
            throw cannotReset(status.text(), " because volume does not have any attachments.");
        }
        if (status != Status.IN_USE && attached) {
            throw cannotReset(status.text(), " because volume has an attachment.");
        }
        if (volume.targetGib() > volume.sizeGib()) {
            throw cannotReset(
                    status.text(), " because its node may have made the volume larger already.");
        }
        if (status != Status.ERROR && volume.present() == Presence.COMING) {
            throw cannotReset(status.text(), " because its node has not made the volume.");
        }
    }

    private static ApiException cannotReset(String status, String why) {
        return ApiException.badRequest("Cannot reset-state to " + status + why);
    }

    /**
     * Makes a volume larger, which its node does later. When the node has no room for that, the
     * volume stays as it is and a message says so.
     *
     * @throws ApiException 404; 400 when its status or size does not allow it; 413 beyond the quota
     */
    void extend(Actor actor, String id, long gib) {
        database.runLocked(
                handle -> {
                    // In the order in which all lock: quota, provider, volume.
                    Volume before = find(handle, actor, id);
                    checkExtension(before, gib);
                    VolumeQuotas.claimGrowth(handle, before, gib);
                    Providers.lock(handle, before.node().stream().toList());
                    Volume volume = lock(handle, actor, id);
                    checkExtension(volume, gib);
                    if (Volume.isBeingCopied(handle, volume.id())) {
                        throw invalid(
                                "Volume %s cannot be extended while another is made of it."
                                        .formatted(volume.id()));
                    }
                    Audit.record(handle, actor, "extend volume", volume.id().toString());
                    if (!VolumePlacement.grow(handle, volume, gib)) {
                        Message.write(
                                handle,
                                volume,
                                Message.Event.NO_ROOM_TO_EXTEND,
                                "",
                                actor.requestId());
                        return;
                    }
                    volume.change(
                            handle,
                            new Columns()
                                    .set("status", Status.EXTENDING.text())
                                    .set("target_gib", gib)
                                    .set(
                                            "goal_revision",
                                            NodeGoals.touch(handle, volume.node().orElseThrow())));
                });
    }

    private static void checkExtension(Volume volume, long gib) {
        if (volume.state() != Status.AVAILABLE) {
            throw invalid(
                    "Volume %s status must be 'available' to extend, currently %s."
                            .formatted(volume.id(), volume.state().text()));
        }
        if (gib <= volume.sizeGib()) {
            throw ApiException.badRequest(
                    ("Invalid input received: New size for extend must be greater than current"
                                    + " size. (current: %d, extended: %d).")
                            .formatted(volume.sizeGib(), gib));
        }
    }

    static Volume find(Handle handle, Actor actor, String id) {
        return seen(actor, id, Formats.uuid(id).flatMap(uuid -> Volume.find(handle, uuid)));
    }

    static Volume lock(Handle handle, Actor actor, String id) {
        return seen(actor, id, Formats.uuid(id).flatMap(uuid -> Volume.lock(handle, uuid)));
    }

    /** The same with its node locked first, to change what is taken of that. */
    static Volume lockedWithNode(Handle handle, Actor actor, String id) {
        Providers.lock(handle, find(handle, actor, id).node().stream().toList());
        return lock(handle, actor, id);
    }

    private static Volume seen(Actor actor, String id, Optional<Volume> volume) {
        return volume.filter(one -> actor.mayAccess(one.projectId()))
                .orElseThrow(() -> ApiException.notFound(missing(id)));
    }

    static String missing(String id) {
        return "Volume %s could not be found.".formatted(id);
    }

    static ApiException invalid(String reason) {
        return ApiException.badRequest("Invalid volume: " + reason);
    }
}
