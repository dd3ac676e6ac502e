package dev.iod.compute;

import dev.iod.node.DeviceState;
import dev.iod.node.DeviceStatus;
import dev.iod.node.Disk;
import dev.iod.node.FailureKind;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.PoolReport;
import dev.iod.node.Power;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import dev.iod.region.GoalPart;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Service;
import dev.iod.store.Database;
import dev.iod.volume.BlockStorage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A node that runs nothing and reports as if it did. Each {@link #sync} fetches the whole goal,
 * reaches it at once and reports; what is told to fail fails. It is up until it is said not to be
 * heard. Its pool has a tebibyte until {@link #pool} says else.
 */
final class FakeNode {
    /** Volumes that are not made yet. */
    static final String COMING = "coming";

    private final Database database;
    private final GoalPart goals;
    private final NodeObserver sink;
    private final String name;
    private final Map<String, ServerStatus> running = new HashMap<>();
    private final Map<String, ServerStatus> overrides = new HashMap<>();

    /** Its part of block storage; what it is told of volumes is so at once. */
    private final Service storage;

    /** Guests that take and give back no device, and what their node says of that. */
    private final Map<String, String> deaf = new HashMap<>();

    private final Map<String, Set<String>> devices = new HashMap<>();
    private PoolReport pool = PoolReport.getDefaultInstance();
    private long revision;
    private String noVolumes = "";

    FakeNode(
            Database database,
            GoalPart goals,
            NodeObserver sink,
            String name,
            int vcpus,
            long memoryMib) {
        this.database = database;
        this.goals = goals;
        this.sink = sink;
        this.name = name;
        this.storage =
                BlockStorage.service(database, new Region.FixedImages(), new Region.FixedConsole());
        database.run(
                handle -> {
                    handle.execute(
                            "INSERT INTO node (name, up, encapsulation_address, architecture,"
                                    + " traits) VALUES (?, true, '127.0.0.9', 'x86_64',"
                                    + " '{VOLUMES,RESIZES}')",
                            name);
                    handle.execute("INSERT INTO resource_provider (name) VALUES (?)", name);
                });
        offer("VCPU", vcpus, 4);
        offer("MEMORY_MB", memoryMib, 1);
        offer("DISK_MB", 1 << 20, 1);
    }

    private void offer(String resourceClass, long total, double ratio) {
        database.run(
                handle ->
                        handle.execute(
                                "INSERT INTO inventory (provider_id, resource_class, total,"
                                        + " max_unit, allocation_ratio) SELECT id, ?, ?, ?, ? FROM"
                                        + " resource_provider WHERE name = ? ON CONFLICT"
                                        + " (provider_id, resource_class) DO UPDATE SET total ="
                                        + " excluded.total, max_unit = excluded.max_unit",
                                resourceClass,
                                total,
                                total,
                                ratio,
                                name));
    }

    /** Its pool of root disks has this size from now on. */
    void pool(long mib) {
        offer("DISK_MB", mib, 1);
    }

    /** The goal as of now. */
    Goal goal() {
        return database.read(
                handle -> {
                    Goal.Builder goal = Goal.newBuilder();
                    goals.add(handle, name, goal);
                    storage.goalParts().forEach(part -> part.add(handle, name, goal));
                    return goal.setRevision(NodeGoals.revision(handle, name)).build();
                });
    }

    /** Receives the goal without acting on it. */
    void receive() {
        revision = goal().getRevision();
    }

    /** Receives the goal, reaches it, reports. */
    void sync() {
        Goal goal = goal();
        revision = goal.getRevision();
        Map<String, ServerStatus> next = new HashMap<>();
        for (dev.iod.node.Server server : goal.getServersList()) {
            next.put(server.getId(), reach(goal, server));
        }
        PoolReport.Builder volumes = PoolReport.newBuilder();
        for (Disk volume : goal.getVolumesList()) {
            VolumeStatus.Builder status = VolumeStatus.newBuilder().setId(volume.getId());
            volumes.addVolumes(
                    noVolumes.isEmpty() || volume.getMade()
                            ? status.setState(VolumeState.VOLUME_READY)
                            : noVolumes.equals(COMING)
                                    ? status.setState(VolumeState.VOLUME_COMING)
                                    : status.setState(VolumeState.VOLUME_FAILED)
                                            .setReason(noVolumes));
        }
        goal.getPool()
                .getSnapshotsList()
                .forEach(
                        one ->
                                volumes.addVolumes(
                                        VolumeStatus.newBuilder()
                                                .setId(one.getId())
                                                .setState(VolumeState.VOLUME_READY)));
        pool = volumes.build();
        running.clear();
        running.putAll(next);
        report();
    }

    private ServerStatus reach(Goal goal, dev.iod.node.Server server) {
        ServerStatus.Builder status =
                ServerStatus.newBuilder()
                        .setId(server.getId())
                        .setBootGeneration(server.getBootGeneration())
                        .setSoftRebootGeneration(server.getSoftRebootGeneration())
                        .setState(
                                server.getPower() != Power.ON
                                        ? ServerState.STOPPED
                                        : server.getPaused()
                                                ? ServerState.PAUSED
                                                : ServerState.RUNNING)
                        .setNetworkReady(server.getPower() == Power.ON)
                        .addAllDevices(
                                server.getPower() == Power.ON ? reachDevices(server) : List.of());
        List<String> unmade =
                server.getDisksList().stream()
                        .map(Disk::getId)
                        .filter(id -> !isThere(goal, id))
                        .toList();
        if (!unmade.isEmpty()) {
            return noVolumes.equals(COMING)
                    ? status.setState(ServerState.STARTING).setNetworkReady(false).build()
                    : status.setState(ServerState.FAILED)
                            .setFailure(FailureKind.FAILURE_DISK)
                            .setReason(noVolumes)
                            .setNetworkReady(false)
                            .build();
        }
        ServerStatus override = overrides.get(server.getId());
        return override == null
                ? status.build()
                : status.setState(override.getState())
                        .setReason(override.getReason())
                        .setFailure(override.getFailure())
                        .setNetworkReady(false)
                        .build();
    }

    /** As long as volumes are not made, those that it shall make are not there. */
    private boolean isThere(Goal goal, String disk) {
        return noVolumes.isEmpty()
                || disk.startsWith("root-")
                || goal.getVolumesList().stream()
                        .anyMatch(volume -> volume.getId().equals(disk) && volume.getMade());
    }

    /** A guest that is deaf has what it had. */
    private List<DeviceStatus> reachDevices(dev.iod.node.Server server) {
        Set<String> wanted =
                server.getDisksList().stream()
                        .map(Disk::getId)
                        .collect(Collectors.toCollection(TreeSet::new));
        server.getNicsList().forEach(nic -> wanted.add(nic.getPortId()));
        String words = deaf.getOrDefault(server.getId(), "");
        Set<String> has = devices.computeIfAbsent(server.getId(), id -> new TreeSet<>());
        if (words.isEmpty()) {
            has.clear();
            has.addAll(wanted);
        }
        List<DeviceStatus> statuses = new ArrayList<>();
        for (String id : has) {
            statuses.add(
                    wanted.contains(id)
                            ? device(id, DeviceState.ATTACHED, "")
                            : device(id, DeviceState.DETACHING, words));
        }
        wanted.removeAll(has);
        wanted.forEach(id -> statuses.add(device(id, DeviceState.ATTACHING, words)));
        return statuses;
    }

    private static DeviceStatus device(String id, DeviceState state, String reason) {
        return DeviceStatus.newBuilder().setId(id).setState(state).setReason(reason).build();
    }

    /** From the next sync on the guest answers nothing; empty: it does again. */
    void deaf(String server, String words) {
        deaf.put(server, words);
    }

    /** Reports what runs, without fetching the goal. */
    void report() {
        Observed observed =
                Observed.newBuilder()
                        .setGoalRevision(revision)
                        .addAllServers(running.values())
                        .setPool(pool)
                        .build();
        sink.observed(database, name, observed);
        storage.observers().forEach(observer -> observer.observed(database, name, observed));
    }

    /**
     * From the next sync on new volumes fail with these words, or are {@link #COMING}; empty: they
     * are made again.
     */
    void noVolumes(String words) {
        noVolumes = words;
    }

    /** From the next sync on this server is in that state. */
    void override(String server, ServerState state, String reason) {
        overrides.put(server, ServerStatus.newBuilder().setState(state).setReason(reason).build());
    }

    /** From the next sync on this server has failed. */
    void fail(String server, FailureKind failure, String reason) {
        overrides.put(
                server,
                ServerStatus.newBuilder()
                        .setState(ServerState.FAILED)
                        .setFailure(failure)
                        .setReason(reason)
                        .build());
    }

    void obey(String server) {
        overrides.remove(server);
    }

    /** The block storage service looks for nodes for the volumes that have none. */
    void poolsSettled() {
        storage.observers().forEach(observer -> observer.nodesSettled(database));
    }

    /** Is not heard any more, or is again. */
    void heard(boolean now) {
        database.run(handle -> handle.execute("UPDATE node SET up = ? WHERE name = ?", now, name));
        if (now) {
            sink.nodesSettled(database);
        }
    }
}
