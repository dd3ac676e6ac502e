package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.network.ServerPorts;
import dev.iod.node.DeviceState;
import dev.iod.node.DeviceStatus;
import dev.iod.node.FailureKind;
import dev.iod.node.Observed;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import dev.iod.region.AllocationRole;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Providers;
import dev.iod.store.Database;
import dev.iod.volume.ServerVolumes;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Turns what nodes report into the state of servers. Reports carry everything, so each is compared
 * with the table as it is now and only differences are written.
 */
final class ComputeObservations implements NodeObserver {
    private final Images images;
    private final ServerPorts ports;
    private final ServerPlacement placement;

    ComputeObservations(Images images, ServerPorts ports, ServerPlacement placement) {
        this.images = images;
        this.ports = ports;
        this.placement = placement;
    }

    @Override
    public void observed(Database database, String node, Observed observed) {
        // Most reports change nothing: find that out without a write transaction.
        boolean news =
                database.read(
                        handle ->
                                !verdicts(ServerStore.onNode(handle, node), observed).isEmpty()
                                        || !over(handle, node, observed).isEmpty());
        if (news) {
            database.runLocked(
                    handle -> {
                        Providers.lock(handle, List.of(node));
                        verdicts(ServerStore.lockOnNode(handle, node), observed)
                                .forEach((server, verdict) -> apply(handle, server, verdict));
                        over(handle, node, observed)
                                .forEach(action -> InstanceActions.finish(handle, action));
                    });
        }
    }

    @Override
    public void nodesSettled(Database database) {
        placement.placeWaiting(database);
    }

    /** Whether a server has gone is not asked of a node that never comes back. */
    @Override
    public void removing(Handle handle, String node) {
        ServerStore.lockOnNode(handle, node).stream()
                .filter(Server::deleting)
                .forEach(server -> remove(handle, images, ports, server));
    }

    /** Actions whose devices are where they were asked to be. */
    private static List<InstanceActions.OfDevice> over(
            Handle handle, String node, Observed observed) {
        return InstanceActions.ofDevices(handle, node).stream()
                .filter(action -> observed.getGoalRevision() >= action.goalRevision())
                .filter(action -> isOver(action, observed))
                .toList();
    }

    private static boolean isOver(InstanceActions.OfDevice action, Observed observed) {
        Optional<ServerStatus> server =
                observed.getServersList().stream()
                        .filter(one -> one.getId().equals(action.serverId().toString()))
                        .findAny();
        if (server.isEmpty()) {
            return false;
        }
        Optional<DeviceState> device =
                server.get().getDevicesList().stream()
                        .filter(one -> one.getId().equals(action.deviceId()))
                        .map(DeviceStatus::getState)
                        .findAny();
        // A server without a machine has the device, or not, with its next start.
        boolean off =
                switch (machine(server.get().getState())) {
                    case STOPPED, FAILED -> true;
                    case STARTING, RUNNING, PAUSED -> false;
                };
        return action.kind().takesDevice()
                ? device.isEmpty()
                : off || device.equals(Optional.of(DeviceState.ATTACHED));
    }

    private static Map<Server, Lifecycle.Verdict> verdicts(
            List<Server> servers, Observed observed) {
        Map<String, ServerStatus> reports = new LinkedHashMap<>();
        observed.getServersList().forEach(status -> reports.put(status.getId(), status));
        Map<Server, Lifecycle.Verdict> verdicts = new LinkedHashMap<>();
        for (Server server : servers) {
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
            case Lifecycle.Undone(Failure why) -> ServerResize.undo(handle, server, why);
            case Lifecycle.Gone() -> remove(handle, images, ports, server);
            case Lifecycle.Changed changed -> change(handle, server, changed);
        }
    }

    /** The end of a server: its ports, its allocations and its row go together; volumes stay. */
    static void remove(Handle handle, Images images, ServerPorts ports, Server server) {
        ports.release(handle, server.id());
        images.endCapture(handle, server.id());
        ServerVolumes.release(handle, images, server.id());
        Providers.release(handle, server.id(), EnumSet.allOf(AllocationRole.class));
        ServerStore.delete(handle, server.id());
        InstanceActions.finishAll(handle, server.id());
        InstanceActions.prune(handle);
    }

    private static void change(Handle handle, Server server, Lifecycle.Changed changed) {
        UUID id = server.id();
        Lifecycle.State before = server.state();
        boolean settles = changed.task() == TaskState.NONE && ServerResize.reverting(server);
        // The node shall know what is made now, and not make it anew.
        boolean resized = changed.vm() == VmState.RESIZED && before.vm() != VmState.RESIZED;
        boolean goalChanged = changed.wish() != before.wish() || settles || resized;
        long revision =
                goalChanged && server.node().isPresent()
                        ? NodeGoals.touch(handle, server.node().get())
                        : before.goalRevision();
        ServerStore.setState(handle, id, before.seen(changed).in(revision));
        boolean runs = changed.vm() == VmState.ACTIVE || changed.vm() == VmState.RESIZED;
        if (runs && !before.launched()) {
            ServerStore.setLaunched(handle, id);
        }
        if (changed.vm() != VmState.ERROR && server.fault().isPresent()) {
            ServerStore.setFault(handle, id, Optional.empty());
        }
        changed.fault().ifPresent(why -> ServerStore.setFault(handle, id, Optional.of(why)));
        if (settles) {
            ServerResize.settle(handle, server);
        }
        if (changed.done()) {
            InstanceActions.finish(handle, id, changed.fault());
        }
    }

    private static Lifecycle.Report report(long goalRevision, ServerStatus status) {
        return new Lifecycle.Report(
                goalRevision,
                machine(status.getState()),
                cause(status.getFailure()),
                status.getReason(),
                status.getBootGeneration(),
                status.getSoftRebootGeneration(),
                status.getNetworkReady(),
                status.getDevicesCount() > 0);
    }

    private static Lifecycle.Cause cause(FailureKind failure) {
        return switch (failure) {
            case FAILURE_NOT_TOLD, UNRECOGNIZED -> Lifecycle.Cause.NOT_TOLD;
            case FAILURE_UNSUPPORTED -> Lifecycle.Cause.UNSUPPORTED;
            case FAILURE_IMAGE -> Lifecycle.Cause.IMAGE;
            case FAILURE_DISK -> Lifecycle.Cause.DISK;
            case FAILURE_START -> Lifecycle.Cause.START;
            case FAILURE_END -> Lifecycle.Cause.END;
        };
    }

    private static Lifecycle.Machine machine(ServerState state) {
        return switch (state) {
            // A state of a newer contract: nothing is known but that there is a machine.
            case STARTING, UNRECOGNIZED -> Lifecycle.Machine.STARTING;
            case RUNNING -> Lifecycle.Machine.RUNNING;
            case PAUSED -> Lifecycle.Machine.PAUSED;
            case STOPPED -> Lifecycle.Machine.STOPPED;
            case FAILED -> Lifecycle.Machine.FAILED;
        };
    }
}
