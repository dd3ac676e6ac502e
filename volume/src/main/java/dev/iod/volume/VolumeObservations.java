package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.node.DeviceState;
import dev.iod.node.DeviceStatus;
import dev.iod.node.Observed;
import dev.iod.node.ServerStatus;
import dev.iod.node.VolumeStatus;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Providers;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Turns what nodes report into the status of volumes. Reports carry everything, so each is compared
 * with the table as it is now and only differences are written.
 */
final class VolumeObservations implements NodeObserver {
    /** Those that a report can change. */
    private static final List<Status> WAITING =
            List.of(
                    Status.CREATING,
                    Status.AVAILABLE,
                    Status.EXTENDING,
                    Status.ERROR_EXTENDING,
                    Status.ERROR,
                    Status.ATTACHING,
                    Status.DETACHING,
                    Status.DELETING,
                    Status.ERROR_DELETING);

    private static final List<Status> GOING = List.of(Status.DELETING, Status.ERROR_DELETING);

    /** A guest may take that long to take or give back a device before its owner is told. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    /** The request of what a node reports. */
    private static final String NO_REQUEST = "";

    private final Images images;
    private final VolumePlacement placement;

    VolumeObservations(Images images, VolumePlacement placement) {
        this.images = images;
        this.placement = placement;
    }

    @Override
    public void observed(Database database, String node, Observed observed) {
        Map<String, VolumeStatus> reports = new HashMap<>();
        observed.getPool().getVolumesList().forEach(one -> reports.put(one.getId(), one));
        // Most reports change nothing: find that out without a write transaction.
        boolean news =
                database.read(
                        handle ->
                                !verdicts(
                                                        handle,
                                                        Volume.onNode(handle, node, WAITING),
                                                        observed,
                                                        reports)
                                                .isEmpty()
                                        || !SnapshotObservations.verdicts(
                                                        VolumeSnapshot.onNode(handle, node),
                                                        observed,
                                                        reports)
                                                .isEmpty());
        if (news) {
            database.runLocked(
                    handle -> {
                        Providers.lock(handle, List.of(node));
                        List<Volume> volumes = Volume.lockOnNode(handle, node, WAITING);
                        // Before volumes: one that has any is not removed.
                        SnapshotObservations.verdicts(
                                        VolumeSnapshot.lockOnNode(handle, node), observed, reports)
                                .forEach(
                                        (snapshot, verdict) ->
                                                SnapshotObservations.apply(
                                                        handle, snapshot, verdict));
                        verdicts(handle, volumes, observed, reports)
                                .forEach((volume, verdict) -> apply(handle, volume, verdict));
                    });
        }
    }

    @Override
    public void nodesSettled(Database database) {
        placement.placeWaiting(database);
    }

    /** Whether a volume has gone is not asked of a node that never comes back. */
    @Override
    public void removing(Handle handle, String node) {
        List<Volume> going = Volume.lockOnNode(handle, node, GOING);
        SnapshotObservations.removing(handle, node);
        going.forEach(volume -> remove(handle, images, volume));
        // There is nothing of those that were not made, wherever they were to be.
        Volume.lockOnNode(handle, node, List.of(Status.ERROR)).stream()
                .filter(Volume::wasNotMade)
                .forEach(
                        volume ->
                                volume.change(handle, new Columns().set("node", Optional.empty())));
    }

    private static Map<Volume, Lifecycle.Verdict> verdicts(
            Handle handle,
            List<Volume> volumes,
            Observed observed,
            Map<String, VolumeStatus> reports) {
        Map<Volume, Lifecycle.Verdict> verdicts = new LinkedHashMap<>();
        for (Volume volume : volumes) {
            if (observed.getGoalRevision() < volume.goalRevision()) {
                continue;
            }
            // One that a server shall have must be there first.
            Optional<Attachment> attached =
                    volume.serverId().isPresent() && volume.state() != Status.CREATING
                            ? Attachment.of(handle, volume.id())
                            : Optional.empty();
            Lifecycle.Verdict verdict =
                    attached.map(
                                    attachment ->
                                            Lifecycle.moved(
                                                    volume.state(),
                                                    device(volume, attachment, observed),
                                                    attachment.waitsFor()))
                            .orElseGet(() -> inPool(volume, observed, reports));
            if (!(verdict instanceof Lifecycle.Verdict.Unchanged)) {
                verdicts.put(volume, verdict);
            }
        }
        return verdicts;
    }

    private static Lifecycle.Verdict inPool(
            Volume volume, Observed observed, Map<String, VolumeStatus> reports) {
        if (!observed.hasPool()) {
            return new Lifecycle.Verdict.Unchanged();
        }
        return Lifecycle.reported(volume.state(), volume.present(), report(reports, volume.id()));
    }

    private static Lifecycle.Device device(
            Volume volume, Attachment attachment, Observed observed) {
        String server = attachment.serverId().toString();
        Optional<ServerStatus> status =
                observed.getServersList().stream().filter(s -> s.getId().equals(server)).findAny();
        if (status.isEmpty()) {
            return new Lifecycle.Device.Unknown();
        }
        Optional<DeviceStatus> device =
                status.get().getDevicesList().stream()
                        .filter(d -> d.getId().equals(volume.id().toString()))
                        .findAny();
        if (device.isPresent()) {
            return device.get().getState() == DeviceState.ATTACHED
                    ? new Lifecycle.Device.Attached()
                    : new Lifecycle.Device.Moving(late(volume) ? device.get().getReason() : "");
        }
        return switch (status.get().getState()) {
            case STOPPED, FAILED -> new Lifecycle.Device.Off();
            case RUNNING, PAUSED, STARTING -> new Lifecycle.Device.None();
            case UNRECOGNIZED -> new Lifecycle.Device.Unknown();
        };
    }

    private static boolean late(Volume volume) {
        Instant asked = volume.updatedAt().orElse(volume.createdAt());
        return asked.plus(PATIENCE).isBefore(Instant.now());
    }

    static Lifecycle.Report report(Map<String, VolumeStatus> reports, UUID id) {
        return Optional.ofNullable(reports.get(id.toString()))
                .map(VolumeObservations::report)
                .orElseGet(Lifecycle.Report.Absent::new);
    }

    private static Lifecycle.Report report(VolumeStatus status) {
        return switch (status.getState()) {
            case VOLUME_COMING, UNRECOGNIZED -> new Lifecycle.Report.Coming();
            case VOLUME_READY -> new Lifecycle.Report.Ready();
            case VOLUME_FAILED -> new Lifecycle.Report.Failed(status.getReason());
            case VOLUME_LEAVING -> new Lifecycle.Report.Stuck(status.getReason());
        };
    }

    private void apply(Handle handle, Volume volume, Lifecycle.Verdict verdict) {
        switch (verdict) {
            case Lifecycle.Verdict.Unchanged _ -> {}
            case Lifecycle.Verdict.Gone _ -> remove(handle, images, volume);
            case Lifecycle.Verdict.Attached _ ->
                    volume.change(handle, new Columns().set("status", Status.IN_USE.text()));
            case Lifecycle.Verdict.Detached _ -> {
                Attachment.remove(handle, volume.id());
                volume.change(handle, new Columns().set("status", Status.AVAILABLE.text()));
            }
            case Lifecycle.Verdict.Waits(Message.Event event, String reason) -> {
                Message.write(handle, volume, event, reason, NO_REQUEST);
                Attachment.waitsFor(handle, volume.id(), reason);
            }
            case Lifecycle.Verdict.Done _ -> done(handle, volume);
            case Lifecycle.Verdict.Lost(String reason) -> {
                Message.write(handle, volume, Message.Event.LOST, reason, NO_REQUEST);
                volume.change(
                        handle,
                        new Columns()
                                .set("status", Status.ERROR.text())
                                .set("presence", Presence.LOST.text()));
            }
            case Lifecycle.Verdict.Failed(Status then, Message.Event event, String reason) -> {
                Message.write(handle, volume, event, reason, NO_REQUEST);
                failed(handle, volume, then);
            }
        }
    }

    private void done(Handle handle, Volume volume) {
        Status then = volume.serverId().isPresent() ? Status.ATTACHING : Status.AVAILABLE;
        Columns columns = VolumeMaking.ended(handle, images, volume);
        if (volume.state() == Status.CREATING) {
            // Its goal needs what it was made of no more, and says so.
            columns.set("goal_revision", NodeGoals.touch(handle, volume.node().orElseThrow()));
        }
        volume.change(
                handle,
                columns.set("status", then.text())
                        .set("presence", Presence.MADE.text())
                        .set("size_gib", volume.targetGib()));
    }

    private void failed(Handle handle, Volume volume, Status then) {
        Columns columns = new Columns();
        if (volume.state() == Status.CREATING) {
            // There is nothing of it.
            VolumePlacement.free(handle, volume);
            columns = VolumeMaking.ended(handle, images, volume);
        } else {
            // It is as large as it was; a node that has more room for it than that is right.
            VolumePlacement.shrink(handle, volume, volume.sizeGib());
        }
        volume.change(
                handle,
                columns.set("status", then.text())
                        .set("target_gib", volume.sizeGib())
                        .set(
                                "goal_revision",
                                NodeGoals.touch(handle, volume.node().orElseThrow())));
    }

    /** The end of a volume: its allocation and its row go together. */
    static void remove(Handle handle, Images images, Volume volume) {
        if (!VolumeSnapshot.ofVolume(handle, volume.id()).isEmpty()) {
            return; // Its node goes on saying that it is gone.
        }
        images.endCapture(handle, volume.id());
        VolumeMaking.ended(handle, images, volume);
        VolumePlacement.free(handle, volume);
        Volume.TABLE.delete(handle, Volume.TABLE.is(volume.id()));
    }
}
