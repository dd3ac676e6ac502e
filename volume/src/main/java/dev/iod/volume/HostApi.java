package dev.iod.volume;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.text;

import dev.iod.region.Node;
import dev.iod.region.Nodes;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Database;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-services} and {@code /os-availability-zone}: one service per node with a pool. */
final class HostApi {
    private static final String BINARY = "cinder-volume";
    private static final View<Node> VIEW =
            new View<>(
                    List.of(
                            field("binary", (n, s) -> text(BINARY)),
                            field("host", (n, s) -> text(Hosts.service(n.name()))),
                            field("zone", (n, s) -> text(VolumeView.ZONE)),
                            field("status", (n, s) -> text("enabled")),
                            field("state", (n, s) -> text(n.up() ? "up" : "down")),
                            field("updated_at", (n, s) -> View.naiveTime(n.heartbeatAt())),
                            field("disabled_reason", (n, s) -> nothing())));

    private final Database database;

    HostApi(Database database) {
        this.database = database;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v3/os-services", this::services).may(Rule.ADMIN),
                Route.get("/v3/os-availability-zone", this::zones).may(Rule.READER));
    }

    private List<Node> nodes() {
        return database.<List<Node>>read(Nodes::all).stream()
                .filter(node -> node.diskMib() > 0)
                .toList();
    }

    private Response services(Request request) {
        Optional<String> host = request.query().first("host").filter(h -> !h.isEmpty());
        Optional<String> binary = request.query().first("binary").filter(b -> !b.isEmpty());
        View.Scope scope = CinderStyle.scopeOf(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("services");
        nodes().stream()
                .filter(node -> binary.isEmpty() || binary.get().equals(BINARY))
                .filter(node -> host.isEmpty() || Hosts.node(host.get()).equals(node.name()))
                .forEach(node -> array.add(VIEW.render(node, scope)));
        return Response.ok(root);
    }

    private Response zones(Request request) {
        ObjectNode root = Json.object();
        ObjectNode zone = root.putArray("availabilityZoneInfo").addObject();
        zone.put("zoneName", VolumeView.ZONE);
        zone.putObject("zoneState").put("available", nodes().stream().anyMatch(Node::up));
        return Response.ok(root);
    }
}
