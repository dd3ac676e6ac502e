package dev.iod.volume;

import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.PoolReport;
import dev.iod.node.Snapshot;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import dev.iod.region.GoalPart;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Service;
import dev.iod.store.Database;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A node that has a pool of no blocks. {@link #receive} fetches the goal, {@link #act} makes,
 * enlarges and deletes what it says, {@link #report} says what there is; what is told to fail or to
 * stay does.
 */
final class FakePool {
    private final Database database;
    private final GoalPart goals;
    private final NodeObserver observer;
    private final String name;

    /** Sizes in bytes, by volume. */
    final Map<String, Long> volumes = new TreeMap<>();

    /** What each started as: the SHA-256 of an image, another volume or snapshot, or nothing. */
    final Map<String, String> origins = new TreeMap<>();

    /** Why nothing can be made or enlarged. */
    Optional<String> failure = Optional.empty();

    /** Why nothing can be deleted. */
    Optional<String> stuck = Optional.empty();

    private Goal goal = Goal.getDefaultInstance();

    FakePool(Database database, Service service, String name, long gib) {
        this.database = database;
        this.goals = service.goalParts().getFirst();
        this.observer = service.observers().getFirst();
        this.name = name;
        database.run(
                handle -> {
                    handle.execute(
                            "INSERT INTO node (name, up, encapsulation_address, architecture,"
                                    + " traits) VALUES (?, true, '127.0.0.9', 'x86_64',"
                                    + " '{VOLUMES,CAPTURES}')",
                            name);
                    handle.execute("INSERT INTO resource_provider (name) VALUES (?)", name);
                    handle.execute(
                            "INSERT INTO inventory (provider_id, resource_class, total, max_unit)"
                                    + " SELECT id, 'DISK_MB', ?, ? FROM resource_provider"
                                    + " WHERE name = ?",
                            gib * 1024,
                            gib * 1024,
                            name);
                });
    }

    void receive() {
        goal =
                database.read(
                        handle -> {
                            Goal.Builder next = Goal.newBuilder();
                            goals.add(handle, name, next);
                            return next.setRevision(NodeGoals.revision(handle, name)).build();
                        });
    }

    boolean complete() {
        return goal.hasPool();
    }

    void act() {
        if (failure.isEmpty()) {
            for (Snapshot snapshot : goal.getPool().getSnapshotsList()) {
                Long size = volumes.get(snapshot.getVolumeId());
                if (!snapshot.getMade() && size != null) {
                    volumes.putIfAbsent(snapshot.getId(), size);
                }
            }
            for (Disk disk : goal.getVolumesList()) {
                if (volumes.containsKey(disk.getId()) || canMake(disk)) {
                    volumes.merge(disk.getId(), disk.getSizeBytes(), Math::max);
                    origins.putIfAbsent(disk.getId(), origin(disk));
                }
            }
        }
        if (stuck.isEmpty()) {
            volumes.keySet().removeIf(id -> !named(id));
        }
    }

    private boolean named(String id) {
        return goal.getVolumesList().stream().anyMatch(is(id))
                || goal.getPool().getSnapshotsList().stream().anyMatch(s -> s.getId().equals(id));
    }

    private boolean canMake(Disk disk) {
        return !disk.getMade()
                && (disk.getSourceId().isEmpty() || volumes.containsKey(disk.getSourceId()));
    }

    private static String origin(Disk disk) {
        return disk.hasImage() ? disk.getImage().getSha256() : disk.getSourceId();
    }

    private static java.util.function.Predicate<Disk> is(String id) {
        return disk -> disk.getId().equals(id);
    }

    void report() {
        PoolReport.Builder report = PoolReport.newBuilder();
        for (Disk disk : goal.getVolumesList()) {
            boolean ready = volumes.getOrDefault(disk.getId(), 0L) >= disk.getSizeBytes();
            report.addVolumes(
                    ready ? status(disk.getId(), VolumeState.VOLUME_READY, "") : missing(disk));
        }
        for (Snapshot snapshot : goal.getPool().getSnapshotsList()) {
            String id = snapshot.getId();
            boolean lost = snapshot.getMade() || failure.isPresent();
            report.addVolumes(
                    volumes.containsKey(id)
                            ? status(id, VolumeState.VOLUME_READY, "")
                            : status(
                                    id,
                                    lost ? VolumeState.VOLUME_FAILED : VolumeState.VOLUME_COMING,
                                    failure.orElse("")));
        }
        volumes.keySet().stream()
                .filter(id -> !named(id))
                .forEach(
                        id ->
                                report.addVolumes(
                                        status(
                                                id,
                                                VolumeState.VOLUME_LEAVING,
                                                stuck.orElse("not yet"))));
        observer.observed(
                database,
                name,
                Observed.newBuilder().setGoalRevision(goal.getRevision()).setPool(report).build());
    }

    private VolumeStatus missing(Disk disk) {
        String id = disk.getId();
        if (failure.isPresent()) {
            return status(id, VolumeState.VOLUME_FAILED, failure.get());
        }
        if (volumes.containsKey(id) || canMake(disk)) {
            return status(id, VolumeState.VOLUME_COMING, "");
        }
        return status(
                id,
                VolumeState.VOLUME_FAILED,
                disk.getMade() ? "the pool no longer has it" : "there is no such source");
    }

    /** One that was not looked at since the goal came. */
    void reportNothing() {
        observer.observed(
                database, name, Observed.newBuilder().setGoalRevision(Long.MAX_VALUE).build());
    }

    void sync() {
        receive();
        act();
        report();
    }

    /** Is not heard any more, or is again. */
    void heard(boolean now) {
        database.run(handle -> handle.execute("UPDATE node SET up = ? WHERE name = ?", now, name));
        if (now) {
            observer.nodesSettled(database);
        }
    }

    private static VolumeStatus status(String id, VolumeState state, String reason) {
        return VolumeStatus.newBuilder().setId(id).setState(state).setReason(reason).build();
    }
}
