package dev.iod.volume;

import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.PoolGoal;
import dev.iod.region.GoalPart;
import java.util.Arrays;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** The volumes of a node's goal: all that are placed on it and shall be there. */
final class VolumeGoals implements GoalPart {
    private static final List<Status> KEPT =
            Arrays.stream(Status.values()).filter(Status::kept).toList();

    @Override
    public void add(Handle handle, String node, Goal.Builder goal) {
        goal.setPool(PoolGoal.getDefaultInstance());
        for (Volume volume : Volume.onNode(handle, node, KEPT)) {
            goal.addVolumes(
                    Disk.newBuilder()
                            .setId(volume.id().toString())
                            .setSizeBytes(volume.targetGib() << 30)
                            .setMade(volume.state() != Status.CREATING));
        }
    }
}
