package dev.iod.dpu;

import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.PoolReport;
import dev.iod.node.Snapshot;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import java.util.Optional;

/** Tells the region what became of the volumes and snapshots of its goal. */
final class PoolReports {
    private PoolReports() {}

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
                            for (Snapshot snapshot : goal.getPool().getSnapshotsList()) {
                                String id = snapshot.getId();
                                report.addVolumes(of(id, disks.snapshot(id)));
                            }
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
