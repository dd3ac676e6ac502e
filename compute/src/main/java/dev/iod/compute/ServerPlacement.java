package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.network.ServerPorts;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeSessions;
import dev.iod.store.Database;
import dev.iod.volume.NewServerVolumes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Gives servers their nodes: allocations, ports and the nodes' new goals together. A server that
 * finds no node is in ERROR with the reason, as in Nova; but while nodes are still coming back
 * after a start of the region it waits for those that are down.
 */
final class ServerPlacement {
    private final Images images;
    private final ServerPorts ports;
    private final NodeSessions nodes;

    ServerPlacement(Images images, ServerPorts ports, NodeSessions nodes) {
        this.images = images;
        this.ports = ports;
        this.nodes = nodes;
    }

    /**
     * Places servers, all or none, in a transaction that is {@link Database#locked}.
     *
     * @param servers alike and not placed, at least one
     */
    void place(Handle handle, List<Server> servers) {
        Server one = servers.getFirst();
        Scheduler.Request request =
                new Scheduler.Request(
                        servers.size(),
                        Placement.amounts(one.flavor(), RootDisks.mib(one.flavor(), one.boot())),
                        one.origin().requestedNode(),
                        NewServerVolumes.mib(handle, one.id()),
                        NewServerVolumes.nodes(handle, one.id()),
                        one.groupId()
                                .flatMap(id -> ServerGroup.find(handle, id))
                                .map(ServerGroup::rule));
        Scheduler.Outcome outcome =
                Placement.claim(
                        handle, request, one.groupId(), servers.stream().map(Server::id).toList());
        switch (outcome) {
            case Scheduler.Placed(List<String> chosen) -> placed(handle, servers, chosen);
            case Scheduler.NoNode(String reason, boolean someDown) -> {
                if (!someDown || nodes.settled()) {
                    servers.forEach(server -> fail(handle, server, reason));
                }
            }
        }
    }

    /** Places those that wait, each with those it was asked for with. */
    void placeWaiting(Database database) {
        List<String> waiting =
                database.read(
                        handle ->
                                handle.createQuery(
                                                "SELECT DISTINCT reservation_id FROM server"
                                                        + " WHERE task_state = 'scheduling'"
                                                        + " ORDER BY 1")
                                        .mapTo(String.class)
                                        .list());
        for (String reservation : waiting) {
            database.runLocked(
                    handle -> {
                        List<Server> servers = ServerStore.lockWaiting(handle, reservation);
                        if (!servers.isEmpty()) {
                            place(handle, servers);
                        }
                    });
        }
    }

    private void placed(Handle handle, List<Server> servers, List<String> chosen) {
        Map<String, List<UUID>> byNode = new TreeMap<>();
        for (int i = 0; i < servers.size(); i++) {
            UUID id = servers.get(i).id();
            String node = chosen.get(i);
            ServerStore.setNode(handle, id, node, TaskState.SPAWNING);
            InstanceActions.setNode(handle, id, node);
            ports.bind(handle, id, node);
            byNode.computeIfAbsent(node, name -> new ArrayList<>()).add(id);
        }
        // In the order of their names, in which nodes are always locked.
        byNode.forEach(
                (node, ids) -> {
                    long revision = NodeGoals.touch(handle, node);
                    ServerStore.setGoalRevision(handle, ids, revision);
                    NewServerVolumes.placed(handle, ids, node, revision);
                });
    }

    /** A server without a node keeps neither its ports nor its volumes. */
    private void fail(Handle handle, Server server, String reason) {
        Optional<Failure> fault =
                Optional.of(new Failure("No valid host was found. " + reason, ""));
        ServerStore.setState(
                handle, server.id(), Lifecycle.State.initial(VmState.ERROR, TaskState.NONE));
        ServerStore.setFault(handle, server.id(), fault);
        ports.release(handle, server.id());
        NewServerVolumes.giveBack(handle, images, server.id());
        InstanceActions.finish(handle, server.id(), fault);
    }
}
