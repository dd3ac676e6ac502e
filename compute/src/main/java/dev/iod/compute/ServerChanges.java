package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.region.Providers;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Rows;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;

/** What is done to servers after their making: delete, start, stop, pause, lock, reset. */
final class ServerChanges {
    private final Parts parts;

    ServerChanges(Parts parts) {
        this.parts = parts;
    }

    /** The kind of reboot. */
    enum Reboot {
        /** The guest is asked. */
        SOFT,
        /** The machine is reset. */
        HARD
    }

    /**
     * A server of the caller's project, or any one for an administrator.
     *
     * @throws ApiException 404 otherwise, so that others cannot tell that it exists
     */
    static Server visible(Handle handle, Actor actor, String id) {
        return Formats.uuid(id)
                .flatMap(uuid -> ServerStore.find(handle, uuid))
                .filter(server -> actor.mayAccess(server.projectId()))
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        "Instance %s could not be found.".formatted(id)));
    }

    /** The same, locked until the end of the transaction, to change it. */
    static Server locked(Handle handle, Actor actor, String id) {
        Formats.uuid(id).ifPresent(uuid -> ServerStore.lock(handle, uuid));
        return visible(handle, actor, id);
    }

    /**
     * The same with its node locked first, to change what it takes of it.
     *
     * @param check throws when it cannot be changed; before the node is locked too, so that refused
     *     requests keep nobody from it
     */
    static Server lockedWithNode(Handle handle, Actor actor, String id, Consumer<Server> check) {
        Server seen = visible(handle, actor, id);
        check.accept(seen);
        seen.node().ifPresent(node -> Providers.lock(handle, List.of(node)));
        Server server = locked(handle, actor, id);
        check.accept(server);
        return server;
    }

    /**
     * Deletes a server: at once when it has no node, else when its node no longer reports it. On a
     * node that is down that is when the node returns.
     */
    void delete(Actor actor, String id) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server =
                                    lockedWithNode(
                                            handle, actor, id, seen -> refuseLocked(actor, seen));
                            if (server.deleting()) {
                                return;
                            }
                            InstanceActions.begin(
                                    handle, actor, server, InstanceActions.Kind.DELETE);
                            Audit.record(handle, actor, "delete server", id);
                            parts.images().endCapture(handle, server.id());
                            if (server.node().isEmpty()) {
                                ComputeObservations.remove(
                                        handle, parts.images(), parts.ports(), server);
                            } else {
                                ask(
                                        handle,
                                        server,
                                        state ->
                                                state.asked(
                                                        TaskState.DELETING, state.wish(), 0, 0));
                            }
                        });
    }

    void start(Actor actor, String id) {
        act(
                actor,
                id,
                "start",
                InstanceActions.Kind.START,
                EnumSet.of(VmState.STOPPED),
                EnumSet.of(TaskState.NONE),
                state -> state.asked(TaskState.POWERING_ON, Lifecycle.Wish.ON, 1, 0));
    }

    void stop(Actor actor, String id) {
        act(
                actor,
                id,
                "stop",
                InstanceActions.Kind.STOP,
                EnumSet.of(VmState.ACTIVE, VmState.ERROR),
                EnumSet.of(TaskState.NONE),
                state -> state.asked(TaskState.POWERING_OFF, Lifecycle.Wish.OFF, 0, 0));
    }

    void reboot(Actor actor, String id, Reboot kind) {
        switch (kind) {
            case SOFT ->
                    act(
                            actor,
                            id,
                            "reboot",
                            InstanceActions.Kind.REBOOT,
                            EnumSet.of(VmState.ACTIVE),
                            EnumSet.of(TaskState.NONE),
                            state -> state.asked(TaskState.REBOOTING, state.wish(), 0, 1));
            case HARD ->
                    act(
                            actor,
                            id,
                            "reboot",
                            InstanceActions.Kind.REBOOT,
                            EnumSet.of(
                                    VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED, VmState.ERROR),
                            EnumSet.of(
                                    TaskState.NONE, TaskState.REBOOTING, TaskState.REBOOTING_HARD),
                            state ->
                                    state.asked(TaskState.REBOOTING_HARD, Lifecycle.Wish.ON, 1, 0));
        }
    }

    void pause(Actor actor, String id) {
        act(
                actor,
                id,
                "pause",
                InstanceActions.Kind.PAUSE,
                EnumSet.of(VmState.ACTIVE),
                EnumSet.of(TaskState.NONE),
                state -> state.asked(TaskState.PAUSING, Lifecycle.Wish.PAUSED, 0, 0));
    }

    void unpause(Actor actor, String id) {
        act(
                actor,
                id,
                "unpause",
                InstanceActions.Kind.UNPAUSE,
                EnumSet.of(VmState.PAUSED),
                EnumSet.of(TaskState.NONE),
                state -> state.asked(TaskState.UNPAUSING, Lifecycle.Wish.ON, 0, 0));
    }

    /** The end of a rescue: it boots its own disks. */
    void unrescue(Actor actor, String id) {
        act(
                actor,
                id,
                "unrescue",
                InstanceActions.Kind.UNRESCUE,
                EnumSet.of(VmState.RESCUED),
                EnumSet.of(TaskState.NONE),
                state -> state.asked(TaskState.UNRESCUING, Lifecycle.Wish.ON, 1, 0));
    }

    /** Its owner cannot lock anew what is locked; an administrator's lock takes its place. */
    void lock(Actor actor, String id, Optional<String> reason) {
        edit(
                actor,
                id,
                edit -> {
                    Server server = edit.server();
                    boolean owner = owns(actor, server);
                    if (owner && server.lock().isPresent()) {
                        return;
                    }
                    ServerStore.setLock(
                            edit.handle(),
                            server.id(),
                            Optional.of(
                                    new Server.Lock(
                                            owner ? Server.Lock.OWNER : Server.Lock.ADMIN,
                                            reason)));
                    edit.done(actor, InstanceActions.Kind.LOCK);
                });
    }

    /**
     * @throws ApiException 403 when an administrator locked it and the caller is none
     */
    void unlock(Actor actor, String id) {
        edit(
                actor,
                id,
                edit -> {
                    Server server = edit.server();
                    boolean byAdmin =
                            server.lock().filter(l -> l.by().equals(Server.Lock.ADMIN)).isPresent();
                    if (byAdmin && !actor.isAdmin()) {
                        throw ApiException.forbidden(
                                "Policy doesn't allow"
                                        + " os_compute_api:os-lock-server:unlock:unlock_override"
                                        + " to be performed.");
                    }
                    ServerStore.setLock(edit.handle(), server.id(), Optional.empty());
                    edit.done(actor, InstanceActions.Kind.UNLOCK);
                });
    }

    private static boolean owns(Actor actor, Server server) {
        return actor.project().equals(Optional.of(server.projectId()));
    }

    /**
     * @throws ApiException 409 when it is locked against the caller
     */
    static void refuseLocked(Actor actor, Server server) {
        if (server.lock().isPresent() && !actor.isAdmin()) {
            throw ApiException.conflict("Instance %s is locked".formatted(server.id()));
        }
    }

    void addSecurityGroup(Actor actor, String id, String group) {
        tell(
                actor,
                id,
                (handle, server) ->
                        parts.ports()
                                .addSecurityGroup(handle, server.id(), server.projectId(), group));
    }

    void removeSecurityGroup(Actor actor, String id, String group) {
        tell(
                actor,
                id,
                (handle, server) ->
                        parts.ports()
                                .removeSecurityGroup(
                                        handle, server.id(), server.projectId(), group));
    }

    void addAddress(Actor actor, String id, String network) {
        tell(
                actor,
                id,
                (handle, server) -> {
                    refuseLocked(actor, server);
                    parts.ports().addAddress(handle, server.id(), network);
                });
    }

    void removeAddress(Actor actor, String id, String address) {
        tell(
                actor,
                id,
                (handle, server) -> {
                    refuseLocked(actor, server);
                    if (!parts.ports().removeAddress(handle, server.id(), address)) {
                        throw ApiException.badRequest(
                                "Instance %s does not have fixed IP '%s'."
                                        .formatted(server.id(), address));
                    }
                });
    }

    /** A change that the server's node is told of. */
    private void tell(Actor actor, String id, BiConsumer<Handle, Server> change) {
        edit(
                actor,
                id,
                edit -> {
                    change.accept(edit.handle(), edit.server());
                    edit.tellNode();
                });
    }

    /** An administrator overrules the state. ERROR stays until the server is acted on again. */
    void resetState(Actor actor, String id, VmState target) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server = locked(handle, actor, id);
                            InstanceActions.begin(
                                    handle, actor, server, InstanceActions.Kind.RESET_STATE);
                            ServerStore.setState(handle, server.id(), server.state().reset(target));
                            InstanceActions.finish(handle, server.id(), Optional.empty());
                        });
    }

    /** Runs a change of a visible server in one transaction. */
    void edit(Actor actor, String id, Consumer<Edit> change) {
        parts.database()
                .runLocked(handle -> change.accept(new Edit(handle, locked(handle, actor, id))));
    }

    /** A server inside a transaction. */
    record Edit(Handle handle, Server server) {
        /** Writes down what was done already. */
        void done(Actor actor, InstanceActions.Kind kind) {
            InstanceActions.done(handle, actor, server, kind);
        }

        /**
         * @throws ApiException 409 when the server is locked against the caller
         */
        void refuseLocked(Actor actor) {
            ServerChanges.refuseLocked(actor, server);
        }

        /** Begins an action that is over when the server's machine has a device, or none of it. */
        void begin(Actor actor, InstanceActions.Kind kind, String deviceId) {
            InstanceActions.begin(handle, actor, server, kind, deviceId);
        }

        /** What the guest or its node is told has changed. */
        void tellNode() {
            tellNodes(handle, List.of(server.id()));
        }
    }

    /** What guests or their nodes are told of servers has changed; unknown servers are left out. */
    static void tellNodes(Handle handle, Collection<UUID> servers) {
        Map<String, List<UUID>> byNode = new TreeMap<>();
        handle.createQuery(
                        "SELECT id, node FROM server WHERE id = ANY(:ids) AND node IS NOT NULL"
                                + " ORDER BY id FOR UPDATE")
                .bindArray("ids", UUID.class, servers)
                .map((row, context) -> Map.entry(row.getString("node"), Rows.id(row, "id")))
                .forEach(
                        entry ->
                                byNode.computeIfAbsent(entry.getKey(), name -> new ArrayList<>())
                                        .add(entry.getValue()));
        // In the order of their names, in which nodes are always locked.
        byNode.forEach(
                (node, ids) ->
                        ServerStore.setGoalRevision(handle, ids, NodeGoals.touch(handle, node)));
    }

    private void act(
            Actor actor,
            String id,
            String verb,
            InstanceActions.Kind kind,
            Set<VmState> vms,
            Set<TaskState> tasks,
            UnaryOperator<Lifecycle.State> change) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server =
                                    lockedWithNode(
                                            handle,
                                            actor,
                                            id,
                                            seen -> {
                                                refuseLocked(actor, seen);
                                                require(seen, verb, vms, tasks);
                                            });
                            InstanceActions.begin(handle, actor, server, kind);
                            Audit.record(handle, actor, verb + " server", id);
                            ask(handle, server, change);
                        });
    }

    /**
     * @param verb of the action, for the refusal
     * @throws ApiException 409 in Nova's words when the server is in none of the states
     */
    static void require(Server server, String verb, Set<VmState> vms, Set<TaskState> tasks) {
        Lifecycle.State state = server.state();
        if (!vms.contains(state.vm())) {
            throw invalidState(verb, server.id(), "vm_state", state.vm().text());
        }
        // Its state was set by hand while it has another flavor.
        boolean resized = state.resize() != Lifecycle.Resize.NONE;
        if (state.task() == TaskState.NONE && resized && !vms.contains(VmState.RESIZED)) {
            throw invalidState(verb, server.id(), "vm_state", VmState.RESIZED.text());
        }
        if (!tasks.contains(state.task())) {
            throw invalidState(verb, server.id(), "task_state", state.task().text());
        }
        if (server.node().isEmpty()) {
            throw ApiException.conflict(
                    "Instance %s is not ready: it was never placed on a node."
                            .formatted(server.id()));
        }
    }

    /**
     * Looks whether a server's devices can change now.
     *
     * @return the server's node
     * @throws ApiException 409 in Nova's words
     */
    static String requireDevices(Server server, String verb) {
        require(
                server,
                verb,
                EnumSet.of(VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED),
                EnumSet.of(TaskState.NONE));
        return server.node().orElseThrow();
    }

    private static ApiException invalidState(String verb, UUID id, String attribute, String state) {
        return ApiException.conflict(
                "Cannot '%s' instance %s while it is in %s %s"
                        .formatted(verb, id, attribute, state));
    }

    /** Writes what is asked of a server, and tells its node. */
    static void ask(Handle handle, Server server, UnaryOperator<Lifecycle.State> change) {
        Lifecycle.State state = change.apply(server.state());
        if (server.rescue().isPresent() && state.wish() != Lifecycle.Wish.RESCUE) {
            ServerRescue.end(handle, server);
        }
        long revision = NodeGoals.touch(handle, server.node().orElseThrow());
        ServerStore.setState(handle, server.id(), state.in(revision));
    }
}
