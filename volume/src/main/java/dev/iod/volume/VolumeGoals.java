package dev.iod.volume;

import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.PoolGoal;
import dev.iod.node.Snapshot;
import dev.iod.region.GoalPart;
import org.jdbi.v3.core.Handle;

/** The volumes and snapshots of a node's goal: all that are placed on it and shall be there. */
final class VolumeGoals implements GoalPart {
    @Override
    public void add(Handle handle, String node, Goal.Builder goal) {
        PoolGoal.Builder pool = goal.getPoolBuilder();
        for (VolumeSnapshot snapshot : VolumeSnapshot.kept(handle, node)) {
            pool.addSnapshots(
                    Snapshot.newBuilder()
                            .setId(snapshot.id().toString())
                            .setVolumeId(snapshot.volumeId().toString())
                            .setMade(snapshot.present() != Presence.COMING));
        }
        for (Volume volume : Volume.kept(handle, node)) {
            goal.addVolumes(disk(volume));
        }
    }

    private static Disk disk(Volume volume) {
        Disk.Builder disk =
                Disk.newBuilder()
                        .setId(volume.id().toString())
                        .setSizeBytes(volume.targetGib() << 30)
                        .setMade(volume.present() != Presence.COMING);
        if (disk.getMade()) {
            return disk.build();
        }
        volume.imageId()
                .ifPresent(
                        image ->
                                disk.getImageBuilder()
                                        .setImageId(image)
                                        .setSha256(volume.imageSha256().orElseThrow())
                                        .setSizeBytes(volume.imageBytes().orElseThrow()));
        volume.snapshotId()
                .or(volume::sourceVolid)
                .ifPresent(source -> disk.setSourceId(source.toString()));
        return disk.build();
    }
}
