package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Ipv6;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Listed;
import java.util.List;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /servers}: make, list, show, update, delete, addresses and ports. */
final class ServerApi {
    private final Parts parts;
    private final ServerCreation creation;
    private final ServerChanges changes;

    ServerApi(Parts parts, ServerCreation creation, ServerChanges changes) {
        this.parts = parts;
        this.creation = creation;
        this.changes = changes;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/servers", request -> list(request, "servers", ServerView.BRIEF))
                        .may(Rule.READER),
                Route.get(
                                "/v2.1/servers/detail",
                                request -> list(request, "servers/detail", ServerView.DETAIL))
                        .may(Rule.READER),
                Route.post("/v2.1/servers", this::create).may(Rule.MEMBER),
                Route.get("/v2.1/servers/{id}", this::show).may(Rule.READER),
                Route.put("/v2.1/servers/{id}", this::update).may(Rule.MEMBER),
                Route.delete("/v2.1/servers/{id}", this::delete).may(Rule.MEMBER),
                Route.get("/v2.1/servers/{id}/ips", this::addresses).may(Rule.READER),
                Route.get("/v2.1/servers/{id}/ips/{network}", this::addressesOnNetwork)
                        .may(Rule.READER));
    }

    private Response list(Request request, String collection, View<ServerShown> view) {
        View.Scope scope = Scopes.of(request);
        return parts.database()
                .read(
                        handle -> {
                            Listed<Server> found = ServerList.page(handle, request);
                            List<Server> servers = found.rows();
                            ObjectNode root = Json.object();
                            ArrayNode array = root.putArray("servers");
                            List<ServerShown> shown =
                                    view == ServerView.BRIEF
                                            ? servers.stream().map(ServerShown::brief).toList()
                                            : ServerShown.of(handle, parts, servers);
                            shown.forEach(s -> array.add(view.render(s, scope)));
                            if (found.more()) {
                                String last = servers.getLast().id().toString();
                                root.set(
                                        "servers_links",
                                        Links.at(scope)
                                                .next(
                                                        collection,
                                                        request.query().with("marker", last)));
                            }
                            return Response.ok(root);
                        });
    }

    private Response show(Request request) {
        return parts.database()
                .read(
                        handle ->
                                Response.ok(
                                        wrapped(
                                                ServerView.SHOW.render(
                                                        ServerShown.of(
                                                                handle,
                                                                parts,
                                                                visible(handle, request)),
                                                        Scopes.of(request)))));
    }

    private Response create(Request request) {
        int minor = request.microversion().minor();
        JsonNode body = Bodies.read(request, Bodies.CREATE_SERVER);
        NewServers wanted = NewServers.of(body, minor);
        Server first = creation.create(Actor.of(request), wanted).getFirst();
        if (wanted.wantsReservationId()) {
            return Response.json(
                    202, Json.object().put("reservation_id", first.origin().reservationId()));
        }
        Links links = Links.at(Scopes.of(request));
        ObjectNode server = Json.object();
        server.put("id", first.id().toString());
        server.put("adminPass", wanted.password().text());
        server.set("links", links.of("servers", first.id().toString()));
        server.put("OS-DCF:diskConfig", first.presentation().diskConfig());
        ArrayNode groups = server.putArray("security_groups");
        List<String> names =
                wanted.securityGroups().isEmpty() ? List.of("default") : wanted.securityGroups();
        names.forEach(name -> groups.addObject().put("name", name));
        return Response.json(202, wrapped(server))
                .header("Location", links.self("servers", first.id().toString()));
    }

    private Response update(Request request) {
        JsonNode wanted = Bodies.read(request, Bodies.UPDATE_SERVER).path("server");
        changes.edit(
                Actor.of(request),
                request.pathParameter("id"),
                edit -> {
                    Server server = edit.server();
                    Server.Presentation old = server.presentation();
                    ServerStore.setAppearance(
                            edit.handle(),
                            server.id(),
                            wanted.path("name").asString(server.name()),
                            wanted.has("description")
                                    ? wanted.path("description").stringValueOpt()
                                    : server.description(),
                            wanted.path("hostname").asString(server.hostname()),
                            new Server.Presentation(
                                    old.tags(),
                                    wanted.path("OS-DCF:diskConfig").asString(old.diskConfig()),
                                    wanted.path("accessIPv4").asString(old.accessIpv4()),
                                    wanted.path("accessIPv6")
                                            .stringValueOpt()
                                            .flatMap(Ipv6::normalize)
                                            .orElse(old.accessIpv6())));
                    if (wanted.has("name") || wanted.has("hostname")) {
                        edit.tellNode();
                    }
                });
        return parts.database()
                .read(
                        handle ->
                                Response.ok(
                                        wrapped(
                                                ServerView.UPDATED.render(
                                                        ServerShown.of(
                                                                handle,
                                                                parts,
                                                                visible(handle, request)),
                                                        Scopes.of(request)))));
    }

    private Response delete(Request request) {
        changes.delete(Actor.of(request), request.pathParameter("id"));
        return Response.empty(204);
    }

    private Response addresses(Request request) {
        ObjectNode root = Json.object();
        root.set("addresses", plainAddresses(request));
        return Response.ok(root);
    }

    private Response addressesOnNetwork(Request request) {
        String network = request.pathParameter("network");
        JsonNode list = plainAddresses(request).path(network);
        if (list.isMissingNode()) {
            throw ApiException.notFound("Instance is not a member of specified network");
        }
        ObjectNode root = Json.object();
        root.set(network, list);
        return Response.ok(root);
    }

    private ObjectNode plainAddresses(Request request) {
        return parts.database()
                .read(
                        handle ->
                                ServerView.plainAddresses(
                                        ServerShown.of(handle, parts, visible(handle, request))));
    }

    private static Server visible(Handle handle, Request request) {
        return ServerChanges.visible(handle, Actor.of(request), request.pathParameter("id"));
    }

    private static ObjectNode wrapped(JsonNode server) {
        ObjectNode root = Json.object();
        root.set("server", server);
        return root;
    }
}
