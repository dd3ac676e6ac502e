package dev.iod.volume;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.text;

import dev.iod.region.Node;
import dev.iod.region.Nodes;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Database;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /os-services}, {@code /os-hosts} and {@code /os-availability-zone}: one service per node
 * with a pool.
 */
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

    private static final View<Node> HOST =
            new View<>(
                    List.of(
                            field("host_name", (n, s) -> text(Hosts.service(n.name()))),
                            field("service", (n, s) -> text(BINARY)),
                            field("zone", (n, s) -> text(VolumeView.ZONE)),
                            field("service-state", (n, s) -> text("enabled")),
                            field(
                                    "service-status",
                                    (n, s) -> text(n.up() ? "available" : "unavailable")),
                            field("last-update", (n, s) -> View.naiveTime(n.heartbeatAt()))));

    /** What a project has on a node; sizes as they are shown. */
    private static final String USED =
            """
            SELECT project, sum(volumes) AS volumes, sum(volume_gib) AS volume_gib,
                   sum(snapshots) AS snapshots, sum(snapshot_gib) AS snapshot_gib
            FROM (
                SELECT project_id AS project, 1 AS volumes, size_gib AS volume_gib,
                       0 AS snapshots, 0 AS snapshot_gib
                FROM volume WHERE node = :node
                UNION ALL
                SELECT s.project_id, 0, 0, 1, s.size_gib
                FROM volume_snapshot s JOIN volume v ON v.id = s.volume_id WHERE v.node = :node
            ) AS one
            GROUP BY project ORDER BY project
            """;

    private final Database database;

    /** Of a project, or of all. */
    private record Used(
            String project, long volumes, long volumeGib, long snapshots, long snapshotGib) {
        Used plus(Used other) {
            return new Used(
                    project,
                    volumes + other.volumes,
                    volumeGib + other.volumeGib,
                    snapshots + other.snapshots,
                    snapshotGib + other.snapshotGib);
        }
    }

    HostApi(Database database) {
        this.database = database;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v3/os-services", this::services).may(Rule.ADMIN),
                Route.get("/v3/os-hosts", this::hosts).may(Rule.ADMIN),
                Route.get("/v3/os-hosts/{host}", this::host).may(Rule.ADMIN),
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

    private Response hosts(Request request) {
        Optional<String> zone = request.query().first("zone").filter(z -> !z.isEmpty());
        View.Scope scope = CinderStyle.scopeOf(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("hosts");
        if (zone.map(VolumeView.ZONE::equals).orElse(true)) {
            nodes().forEach(node -> array.add(HOST.render(node, scope)));
        }
        return Response.ok(root);
    }

    /** All its volumes and snapshots, then those of each project. */
    private Response host(Request request) {
        String host = request.pathParameter("host");
        String node =
                nodes().stream()
                        .map(Node::name)
                        .filter(name -> name.equals(Hosts.node(host)))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Host %s could not be found.".formatted(host)));
        List<Used> projects =
                database.read(
                        handle ->
                                handle.createQuery(USED)
                                        .bind("node", node)
                                        .map(
                                                (row, context) ->
                                                        new Used(
                                                                row.getString("project"),
                                                                row.getLong("volumes"),
                                                                row.getLong("volume_gib"),
                                                                row.getLong("snapshots"),
                                                                row.getLong("snapshot_gib")))
                                        .list());
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("host");
        Used all = projects.stream().reduce(new Used("(total)", 0, 0, 0, 0), Used::plus);
        Stream.concat(Stream.of(all), projects.stream())
                .forEach(used -> array.addObject().set("resource", resource(host, used)));
        return Response.ok(root);
    }

    /** Numbers are texts, as Cinder writes them. */
    private static ObjectNode resource(String host, Used used) {
        return Json.object()
                .put("host", host)
                .put("project", used.project)
                .put("volume_count", Long.toString(used.volumes))
                .put("total_volume_gb", Long.toString(used.volumeGib))
                .put("snapshot_count", Long.toString(used.snapshots))
                .put("total_snapshot_gb", Long.toString(used.snapshotGib));
    }

    private Response zones(Request request) {
        ObjectNode root = Json.object();
        ObjectNode zone = root.putArray("availabilityZoneInfo").addObject();
        zone.put("zoneName", VolumeView.ZONE);
        zone.putObject("zoneState").put("available", nodes().stream().anyMatch(Node::up));
        return Response.ok(root);
    }
}
