package dev.iod.dpu;

import dev.iod.node.Capture;
import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.PoolReport;
import dev.iod.node.Snapshot;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the goal wants of the pool beside disks, and what the region is told became of it. */
final class PoolReports {
    private PoolReports() {}

    /** Captures too, by id. */
    static Map<String, Snapshot> snapshots(Goal goal) {
        return Stream.concat(
                        goal.getPool().getSnapshotsList().stream(),
                        goal.getPool().getCapturesList().stream()
                                .map(
                                        capture ->
                                                Snapshot.newBuilder()
                                                        .setId(capture.getId())
                                                        .setVolumeId(capture.getDiskId())
                                                        .build()))
                .collect(Collectors.toMap(Snapshot::getId, s -> s, (a, b) -> b));
    }

    /** In the order in which they were asked for. */
    static List<String> captures(Goal goal) {
        return goal.getPool().getCapturesList().stream().map(Capture::getId).toList();
    }

    /** Empty until the pool was looked at for what is wanted now. */
    static Optional<PoolReport> of(Goal goal, Disks disks) {
        return disks.unwanted()
                .map(
                        unwanted -> {
                            PoolReport.Builder report = PoolReport.newBuilder();
                            for (Disk volume : goal.getVolumesList()) {
                                String id = volume.getId();
                                report.addVolumes(of(id, disks.state(id)));
                            }
                            snapshots(goal).keySet().stream()
                                    .sorted()
                                    .forEach(id -> report.addVolumes(of(id, disks.snapshot(id))));
                            unwanted.forEach(
                                    (id, why) ->
                                            report.addVolumes(
                                                    status(id, VolumeState.VOLUME_LEAVING, why)));
                            return report.build();
                        });
    }

    private static VolumeStatus of(String id, Disks.State state) {
        return switch (state) {
            case Disks.State.Ready _ -> status(id, VolumeState.VOLUME_READY, "");
            case Disks.State.Coming _ -> status(id, VolumeState.VOLUME_COMING, "");
            case Disks.State.Failed(String why) -> status(id, VolumeState.VOLUME_FAILED, why);
        };
    }

    private static VolumeStatus status(String id, VolumeState state, String reason) {
        return VolumeStatus.newBuilder().setId(id).setState(state).setReason(reason).build();
    }
}
