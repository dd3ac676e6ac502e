package dev.iod.region;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The native API {@code /iod/v1/nodes}, for administrators. */
public final class NodeApi {
    /** A node's name is a DNS label: it becomes a certificate's name and part of paths. */
    private static final String NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

    /** How many consumers are named that keep a node from being removed. */
    private static final int MAX_NAMED = 5;

    private final Database database;
    private final List<NodeObserver> observers;
    private final Clock clock;

    private NodeApi(Database database, List<NodeObserver> observers, Clock clock) {
        this.database = database;
        this.observers = observers;
        this.clock = clock;
    }

    /**
     * {@code /iod}.
     *
     * @param services those that are told when a node is removed
     */
    public static Service service(Database database, List<Service> services, Clock clock) {
        NodeApi api =
                new NodeApi(
                        database,
                        services.stream().flatMap(one -> one.observers().stream()).toList(),
                        clock);
        return Service.unlisted(
                        "/iod",
                        List.of(
                                Route.get("/v1/nodes", api::list).may(Rule.ADMIN),
                                Route.post("/v1/nodes", api::invite).may(Rule.ADMIN),
                                Route.get("/v1/nodes/{name}", api::show).may(Rule.ADMIN),
                                Route.delete("/v1/nodes/{name}", api::remove).may(Rule.ADMIN)))
                .build();
    }

    private Response list(Request request) {
        ObjectNode root = Json.object();
        ArrayNode nodes = root.putArray("nodes");
        database.read(Nodes::all).forEach(node -> nodes.add(view(node)));
        return Response.ok(root);
    }

    private Response show(Request request) {
        String name = request.pathParameter("name");
        Node node =
                database.read(handle -> Nodes.find(handle, name)).orElseThrow(() -> missing(name));
        ObjectNode root = Json.object();
        root.set("node", view(node));
        return Response.ok(root);
    }

    /** A one-time token with which a node of this name can join, or join again. */
    private Response invite(Request request) {
        Fields body = request.body("node");
        String name = body.string("name", 1, 63);
        body.end();
        if (!name.matches(NAME)) {
            throw ApiException.badRequest(
                    "The name '%s' is not lower-case letters, digits and dashes.".formatted(name));
        }
        Instant now = clock.instant();
        String token =
                database.transaction(
                        handle -> {
                            String made =
                                    JoinTokens.create(handle, name, now)
                                            .orElseThrow(
                                                    () ->
                                                            ApiException.conflict(
                                                                    "%d tokens are open; use or let expire some."
                                                                            .formatted(
                                                                                    JoinTokens
                                                                                            .MAX_OPEN)));
                            Audit.record(handle, Actor.of(request), "invite node", name);
                            return made;
                        });
        ObjectNode root = Json.object();
        root.putObject("node")
                .put("name", name)
                .put("token", token)
                .put("expires_at", Json.time(now.plus(JoinTokens.LIFETIME)));
        return Response.json(201, root);
    }

    private Response remove(Request request) {
        String name = request.pathParameter("name");
        // By itself, for it stays so when the node cannot be removed yet.
        database.runLocked(handle -> giveUp(handle, name));
        database.runLocked(handle -> remove(handle, Actor.of(request), name));
        return Response.empty(204);
    }

    /** What is being deleted on a node that is down is gone. */
    private void giveUp(Handle handle, String name) {
        Providers.lock(handle, List.of(name));
        if (!find(handle, name).up()) {
            observers.forEach(observer -> observer.removing(handle, name));
        }
    }

    private static Node find(Handle handle, String name) {
        return Nodes.find(handle, name).orElseThrow(() -> missing(name));
    }

    private void remove(Handle handle, Actor actor, String name) {
        // Nothing is placed on it from here on.
        Providers.lock(handle, List.of(name));
        find(handle, name);
        List<UUID> consumers = Providers.consumers(handle, name);
        if (!consumers.isEmpty()) {
            throw ApiException.conflict(
                    ("The node %s has %d servers or volumes: %s%s. Delete them and try again; those"
                                    + " that are being deleted go with a node that is down.")
                            .formatted(
                                    name,
                                    consumers.size(),
                                    consumers.stream()
                                            .limit(MAX_NAMED)
                                            .map(UUID::toString)
                                            .collect(Collectors.joining(", ")),
                                    consumers.size() > MAX_NAMED ? ", …" : ""));
        }
        Nodes.remove(handle, name);
        Audit.record(handle, actor, "remove node", name);
    }

    private static ObjectNode view(Node node) {
        ObjectNode view =
                Json.object()
                        .put("name", node.name())
                        .put("state", node.up() ? "up" : "down")
                        .put("vcpus", node.vcpus())
                        .put("memory_mib", node.memoryMib())
                        .put("disk_mib", node.diskMib())
                        .put("encapsulation_address", node.encapsulationAddress())
                        .put("architecture", node.architecture());
        view.set("traits", Json.strings(node.traits()));
        return Json.put(view, "heartbeat_at", node.heartbeatAt().map(Json::time));
    }

    private static ApiException missing(String name) {
        return ApiException.notFound("There is no node %s.".formatted(name));
    }
}
