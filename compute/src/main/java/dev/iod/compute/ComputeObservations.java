package dev.iod.compute;

import dev.iod.network.ServerPorts;
import dev.iod.node.Observed;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.store.Database;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Turns what nodes report into the state of servers. Reports carry everything, so each is compared
 * with the table as it is now and only differences are written.
 */
final class ComputeObservations implements NodeObserver {
    private static final System.Logger LOG = System.getLogger(ComputeObservations.class.getName());

    private final ServerPorts ports;

    ComputeObservations(ServerPorts ports) {
        this.ports = ports;
    }

    @Override
    public void observed(Database database, String node, Observed observed) {
        // Most reports change nothing: find that out without a write transaction.
        boolean news = database.read(handle -> !verdicts(handle, node, observed).isEmpty());
        if (news) {
            database.run(
                    handle ->
                            verdicts(handle, node, observed)
                                    .forEach((server, verdict) -> apply(handle, server, verdict)));
        }
    }

    /**
     * Nothing to write: a server's status follows from its node's last heartbeat when it is read.
     */
    @Override
    public void down(String node) {
        LOG.log(
                System.Logger.Level.WARNING,
                "node {0} is lost; its servers show UNKNOWN until it returns, and nothing is"
                        + " started elsewhere",
                node);
    }

    private static Map<Server, Lifecycle.Verdict> verdicts(
            Handle handle, String node, Observed observed) {
        Map<String, ServerStatus> reports = new LinkedHashMap<>();
        observed.getServersList().forEach(status -> reports.put(status.getId(), status));
        Map<Server, Lifecycle.Verdict> verdicts = new LinkedHashMap<>();
        for (Server server : ServerStore.onNode(handle, node)) {
            Lifecycle.Verdict verdict =
                    Optional.ofNullable(reports.get(server.id().toString()))
                            .map(
                                    status ->
                                            Lifecycle.reported(
                                                    server.state(),
                                                    report(observed.getGoalRevision(), status)))
                            .orElseGet(
                                    () ->
                                            Lifecycle.absent(
                                                    server.state(), observed.getGoalRevision()));
            if (!(verdict instanceof Lifecycle.Unchanged)) {
                verdicts.put(server, verdict);
            }
        }
        return verdicts;
    }

    private void apply(Handle handle, Server server, Lifecycle.Verdict verdict) {
        switch (verdict) {
            case Lifecycle.Unchanged() -> {}
            case Lifecycle.Gone() -> remove(handle, ports, server);
            case Lifecycle.Changed changed -> change(handle, server, changed);
        }
    }

    /** The end of a server: its ports, its claim and its row go together. */
    static void remove(Handle handle, ServerPorts ports, Server server) {
        ports.release(handle, server.id());
        Placement.release(handle, server);
        ServerStore.delete(handle, server.id());
        InstanceActions.finish(handle, server.id(), Optional.empty());
        InstanceActions.prune(handle);
    }

    private static void change(Handle handle, Server server, Lifecycle.Changed changed) {
        UUID id = server.id();
        Lifecycle.State before = server.state();
        boolean wishChanged = changed.wish() != before.wish();
        long revision =
                wishChanged && server.node().isPresent()
                        ? NodeGoals.touch(handle, server.node().get())
                        : before.goalRevision();
        ServerStore.setState(handle, id, before.seen(changed).in(revision));
        if (changed.vm() == VmState.ACTIVE && !before.launched()) {
            ServerStore.setLaunched(handle, id);
        }
        if (changed.vm() != VmState.ERROR && server.fault().isPresent()) {
            ServerStore.setFault(handle, id, Optional.empty());
        }
        changed.fault().ifPresent(reason -> ServerStore.setFault(handle, id, Optional.of(reason)));
        if (changed.done()) {
            InstanceActions.finish(handle, id, changed.fault());
        }
    }

    private static Lifecycle.Report report(long goalRevision, ServerStatus status) {
        return new Lifecycle.Report(
                goalRevision,
                machine(status.getState()),
                status.getReason(),
                status.getBootGeneration(),
                status.getSoftRebootGeneration(),
                status.getNetworkReady());
    }

    private static Lifecycle.Machine machine(ServerState state) {
        return switch (state) {
            // A state of a newer contract: nothing is known but that there is a machine.
            case STARTING, UNRECOGNIZED -> Lifecycle.Machine.STARTING;
            case RUNNING -> Lifecycle.Machine.RUNNING;
            case STOPPED -> Lifecycle.Machine.STOPPED;
            case FAILED -> Lifecycle.Machine.FAILED;
        };
    }
}
