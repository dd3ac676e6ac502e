package dev.iod.volume;

import dev.iod.node.Observed;
import dev.iod.node.VolumeStatus;
import dev.iod.region.AllocationRole;
import dev.iod.region.NodeGoals;
import dev.iod.region.Providers;
import dev.iod.store.Columns;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Turns what nodes report into the status of snapshots, by the rules of volumes. */
final class SnapshotObservations {
    private static final Set<Status> GOING = Set.of(Status.DELETING, Status.ERROR_DELETING);
    private static final String NO_REQUEST = "";

    private SnapshotObservations() {}

    static Map<VolumeSnapshot, Lifecycle.Verdict> verdicts(
            List<VolumeSnapshot> snapshots, Observed observed, Map<String, VolumeStatus> reports) {
        Map<VolumeSnapshot, Lifecycle.Verdict> verdicts = new LinkedHashMap<>();
        for (VolumeSnapshot snapshot : snapshots) {
            if (!observed.hasPool() || observed.getGoalRevision() < snapshot.goalRevision()) {
                continue;
            }
            Lifecycle.Verdict verdict =
                    Lifecycle.reported(
                            snapshot.state(),
                            snapshot.present(),
                            VolumeObservations.report(reports, snapshot.id()));
            if (!(verdict instanceof Lifecycle.Verdict.Unchanged)) {
                verdicts.put(snapshot, verdict);
            }
        }
        return verdicts;
    }

    static void apply(Handle handle, VolumeSnapshot snapshot, Lifecycle.Verdict verdict) {
        switch (verdict) {
            case Lifecycle.Verdict.Gone _ -> remove(handle, snapshot);
            case Lifecycle.Verdict.Done _ ->
                    snapshot.change(
                            handle,
                            new Columns()
                                    .set("status", Status.AVAILABLE.text())
                                    .set("presence", Presence.MADE.text())
                                    .set(
                                            "goal_revision",
                                            NodeGoals.touch(
                                                    handle, snapshot.node().orElseThrow())));
            case Lifecycle.Verdict.Lost(String reason) -> {
                tell(handle, snapshot, Message.Event.SNAPSHOT_LOST, reason);
                snapshot.change(
                        handle,
                        new Columns()
                                .set("status", Status.ERROR.text())
                                .set("presence", Presence.LOST.text()));
            }
            case Lifecycle.Verdict.Failed(Status then, Message.Event _, String reason) -> {
                boolean made = then == Status.ERROR_DELETING;
                tell(
                        handle,
                        snapshot,
                        made ? Message.Event.SNAPSHOT_DELETE : Message.Event.SNAPSHOT_CREATE,
                        reason);
                if (!made) {
                    free(handle, snapshot);
                }
                snapshot.change(
                        handle,
                        new Columns()
                                .set("status", then.text())
                                .set(
                                        "goal_revision",
                                        NodeGoals.touch(handle, snapshot.node().orElseThrow())));
            }
            case Lifecycle.Verdict.Unchanged _,
                    Lifecycle.Verdict.Attached _,
                    Lifecycle.Verdict.Detached _,
                    Lifecycle.Verdict.Waits _ ->
                    throw new IllegalStateException("of a snapshot: " + verdict);
        }
    }

    /** Those that are deleted on a node that is removed. */
    static void removing(Handle handle, String node) {
        VolumeSnapshot.lockOnNode(handle, node).stream()
                .filter(snapshot -> GOING.contains(snapshot.state()))
                .forEach(snapshot -> remove(handle, snapshot));
    }

    private static void remove(Handle handle, VolumeSnapshot snapshot) {
        free(handle, snapshot);
        VolumeSnapshot.TABLE.delete(handle, snapshot.of());
    }

    private static void free(Handle handle, VolumeSnapshot snapshot) {
        Providers.release(handle, snapshot.id(), Set.of(AllocationRole.ACTIVE));
    }

    private static void tell(
            Handle handle, VolumeSnapshot snapshot, Message.Event event, String reason) {
        Message.write(handle, snapshot.projectId(), snapshot.id(), event, reason, NO_REQUEST);
    }
}
