package dev.iod.compute;

import dev.iod.node.FailureKind;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.Power;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import dev.iod.region.GoalPart;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.store.Database;
import java.util.HashMap;
import java.util.Map;

/**
 * A node that runs nothing and reports as if it did. Each {@link #sync} fetches the whole goal,
 * reaches it at once and reports; what is told to fail fails. It is up until it is said not to be
 * heard. Its pool has a tebibyte until {@link #pool} says else.
 */
final class FakeNode {
    private final Database database;
    private final GoalPart goals;
    private final NodeObserver sink;
    private final String name;
    private final Map<String, ServerStatus> running = new HashMap<>();
    private final Map<String, ServerStatus> overrides = new HashMap<>();
    private long revision;

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
        database.run(
                handle -> {
                    handle.execute(
                            "INSERT INTO node (name, up, encapsulation_address, architecture)"
                                    + " VALUES (?, true, '127.0.0.9', 'x86_64')",
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
            next.put(server.getId(), reach(server));
        }
        running.clear();
        running.putAll(next);
        report();
    }

    private ServerStatus reach(dev.iod.node.Server server) {
        ServerStatus.Builder status =
                ServerStatus.newBuilder()
                        .setId(server.getId())
                        .setBootGeneration(server.getBootGeneration())
                        .setSoftRebootGeneration(server.getSoftRebootGeneration())
                        .setState(
                                server.getPower() == Power.ON
                                        ? ServerState.RUNNING
                                        : ServerState.STOPPED)
                        .setNetworkReady(server.getPower() == Power.ON);
        ServerStatus override = overrides.get(server.getId());
        return override == null
                ? status.build()
                : status.setState(override.getState())
                        .setReason(override.getReason())
                        .setFailure(override.getFailure())
                        .setNetworkReady(false)
                        .build();
    }

    /** Reports what runs, without fetching the goal. */
    void report() {
        sink.observed(
                database,
                name,
                Observed.newBuilder()
                        .setGoalRevision(revision)
                        .addAllServers(running.values())
                        .build());
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

    /** Is not heard any more, or is again. */
    void heard(boolean now) {
        database.run(handle -> handle.execute("UPDATE node SET up = ? WHERE name = ?", now, name));
        if (now) {
            sink.nodesSettled(database);
        }
    }
}
