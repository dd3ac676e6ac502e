package dev.iod.compute;

import dev.iod.network.ServerPorts.FixedAddress;
import dev.iod.network.ServerPorts.ServerPort;
import dev.iod.network.ServerPorts.Wish;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /servers/ID/os-interface}: a server's ports, which come and go while it runs. */
final class InterfaceApi {
    private static final int TAG_SINCE = 70;

    private final Parts parts;
    private final ServerChanges changes;

    InterfaceApi(Parts parts, ServerChanges changes) {
        this.parts = parts;
        this.changes = changes;
    }

    List<Route> routes() {
        String all = "/v2.1/servers/{id}/os-interface";
        String one = all + "/{port}";
        return List.of(
                Route.get(all, this::list).may(Rule.READER),
                Route.post(all, this::attach).may(Rule.MEMBER),
                Route.get(one, this::show).may(Rule.READER),
                Route.delete(one, this::detach).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("interfaceAttachments");
        parts.database()
                .read(handle -> ports(handle, request))
                .forEach(port -> array.add(attachment(port, request)));
        return Response.ok(root);
    }

    private Response show(Request request) {
        String id = request.pathParameter("port");
        ServerPort port =
                parts.database().read(handle -> ports(handle, request)).stream()
                        .filter(p -> p.id().toString().equals(id))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Instance %s does not have a port with id %s"
                                                        .formatted(
                                                                request.pathParameter("id"), id)));
        return wrapped(port, request);
    }

    private Response attach(Request request) {
        JsonNode body = Bodies.read(request, Bodies.ATTACH_INTERFACE).path("interfaceAttachment");
        if (body.has("tag")) {
            throw ApiException.badRequest("Tags of devices are not supported.");
        }
        Optional<Wish> wish = wish(body);
        Actor actor = Actor.of(request);
        ServerPort[] attached = new ServerPort[1];
        changes.edit(
                actor,
                request.pathParameter("id"),
                edit -> {
                    Server server = edit.server();
                    edit.refuseLocked(actor);
                    String node = ServerChanges.requireDevices(server, "attach_interface");
                    ServerPort port =
                            parts.ports()
                                    .attach(
                                            edit.handle(),
                                            actor,
                                            server.id(),
                                            server.projectId(),
                                            ServerShown.ZONE,
                                            wish);
                    parts.ports().bind(edit.handle(), server.id(), node);
                    Audit.record(edit.handle(), actor, "attach interface", port.id().toString());
                    edit.tellNode();
                    edit.begin(actor, InstanceActions.Kind.ATTACH_INTERFACE, port.id().toString());
                    attached[0] = port;
                });
        return wrapped(attached[0], request);
    }

    private static Optional<Wish> wish(JsonNode body) {
        Optional<String> network = body.path("net_id").stringValueOpt();
        Optional<String> port = body.path("port_id").stringValueOpt();
        Optional<String> address =
                body.path("fixed_ips").path(0).path("ip_address").stringValueOpt();
        if (network.isPresent() && port.isPresent()) {
            throw ApiException.badRequest("Must not input both network_id and port_id");
        }
        if (address.isPresent() && network.isEmpty()) {
            throw ApiException.badRequest("Must input network_id when request IP address");
        }
        return port.<Wish>map(Wish.Existing::new)
                .or(() -> network.map(id -> new Wish.OnNetwork(id, address)));
    }

    /** The port is gone at once; the machine's interface goes when its guest has let go of it. */
    private Response detach(Request request) {
        Actor actor = Actor.of(request);
        String id = request.pathParameter("port");
        changes.edit(
                actor,
                request.pathParameter("id"),
                edit -> {
                    Server server = edit.server();
                    edit.refuseLocked(actor);
                    ServerChanges.requireDevices(server, "detach_interface");
                    boolean had =
                            Formats.uuid(id)
                                    .filter(
                                            port ->
                                                    parts.ports()
                                                            .detach(
                                                                    edit.handle(),
                                                                    server.id(),
                                                                    port))
                                    .isPresent();
                    if (!had) {
                        throw ApiException.notFound("Port id %s could not be found.".formatted(id));
                    }
                    Audit.record(edit.handle(), actor, "detach interface", id);
                    edit.tellNode();
                    edit.begin(actor, InstanceActions.Kind.DETACH_INTERFACE, id);
                });
        return Response.empty(202);
    }

    private List<ServerPort> ports(Handle handle, Request request) {
        UUID server =
                ServerChanges.visible(handle, Actor.of(request), request.pathParameter("id")).id();
        return parts.ports().of(handle, List.of(server)).getOrDefault(server, List.of());
    }

    private static Response wrapped(ServerPort port, Request request) {
        ObjectNode root = Json.object();
        root.set("interfaceAttachment", attachment(port, request));
        return Response.ok(root);
    }

    private static ObjectNode attachment(ServerPort port, Request request) {
        ObjectNode node = Json.object();
        node.put("net_id", port.networkId().toString());
        node.put("port_id", port.id().toString());
        node.put("mac_addr", port.mac());
        node.put("port_state", port.active() ? "ACTIVE" : "DOWN");
        ArrayNode addresses = node.putArray("fixed_ips");
        for (FixedAddress fixed : port.fixedAddresses()) {
            addresses
                    .addObject()
                    .put("ip_address", fixed.address())
                    .put("subnet_id", fixed.subnet().id().toString());
        }
        if (request.microversion().minor() >= TAG_SINCE) {
            node.putNull("tag");
        }
        return node;
    }
}
