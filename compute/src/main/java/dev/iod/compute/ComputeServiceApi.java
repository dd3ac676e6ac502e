package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Node;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-services} and {@code /os-availability-zone}: one compute service per node. */
final class ComputeServiceApi {
    private static final String BINARY = "nova-compute";
    private static final int UUID_SINCE = 53;
    private static final View<HypervisorApi.Shown> VIEW =
            new View<>(
                    List.of(
                            field("id", HypervisorApi.Shown::idNode),
                            field("binary", (s, v) -> text(BINARY)),
                            field("host", (s, v) -> text(s.node().name())),
                            field("zone", (s, v) -> text(ServerShown.ZONE)),
                            field("status", (s, v) -> text(s.enabled() ? "enabled" : "disabled")),
                            field("state", (s, v) -> text(s.node().up() ? "up" : "down")),
                            field("updated_at", (s, v) -> View.naiveTime(s.node().heartbeatAt())),
                            field("disabled_reason", (s, v) -> text(s.disabledReason())),
                            since(11, "forced_down", (s, v) -> truth(false))));

    private final Parts parts;

    ComputeServiceApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/os-services", this::list).may(Rule.ADMIN),
                Route.put("/v2.1/os-services/{id}", this::update).may(Rule.ADMIN),
                Route.get("/v2.1/os-aggregates", ComputeServiceApi::aggregates).may(Rule.ADMIN),
                Route.get("/v2.1/os-availability-zone", this::zones).may(Rule.READER),
                Route.get("/v2.1/os-availability-zone/detail", this::zonesWithHosts)
                        .may(Rule.ADMIN));
    }

    private List<HypervisorApi.Shown> all() {
        return HypervisorApi.withoutServers(parts.database());
    }

    private Response list(Request request) {
        ComputeQueries.SERVICES.check(request);
        Optional<String> host = request.query().first("host").filter(h -> !h.isEmpty());
        Optional<String> binary = request.query().first("binary").filter(b -> !b.isEmpty());
        View.Scope scope = Scopes.of(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("services");
        if (binary.isEmpty() || binary.get().equals(BINARY)) {
            all().stream()
                    .filter(s -> host.isEmpty() || host.get().equals(s.node().name()))
                    .forEach(s -> array.add(VIEW.render(s, scope)));
        }
        return Response.ok(root);
    }

    private Response update(Request request) {
        return request.microversion().minor() >= UUID_SINCE
                ? updateById(request)
                : updateByHost(request);
    }

    private Response updateById(Request request) {
        JsonNode body = Bodies.read(request, Bodies.UPDATE_SERVICE);
        String id = request.pathParameter("id");
        View.Scope scope = Scopes.of(request);
        if (body.has("forced_down")) {
            throw ApiException.badRequest(
                    "A node cannot be forced down: servers are never started twice. Disable it"
                            + " instead.");
        }
        String status = body.path("status").asString("");
        if (status.isEmpty()) {
            throw ApiException.badRequest(
                    "No updates were requested. Fields 'status' or 'forced_down' should be"
                            + " specified.");
        }
        boolean enabled = status.equals("enabled");
        Optional<String> reason = body.path("disabled_reason").stringValueOpt();
        if (enabled && reason.isPresent()) {
            throw ApiException.badRequest(
                    "Specifying 'disabled_reason' when status is 'enabled' is invalid.");
        }
        HypervisorApi.Shown node = find(all(), id, scope);
        switchNode(request, node.node().name(), enabled, reason);
        ObjectNode root = Json.object();
        root.set("service", VIEW.render(find(all(), id, scope), scope));
        return Response.ok(root);
    }

    private static HypervisorApi.Shown find(
            List<HypervisorApi.Shown> nodes, String id, View.Scope scope) {
        if (!Formats.isUuid(id)) {
            throw ApiException.badRequest("Invalid uuid " + id);
        }
        return nodes.stream()
                .filter(node -> node.id(scope).equals(id))
                .findFirst()
                .orElseThrow(() -> ApiException.notFound("Service %s not found.".formatted(id)));
    }

    /** Until 2.52: {@code enable}, {@code disable} and {@code disable-log-reason}. */
    private Response updateByHost(Request request) {
        String verb = request.pathParameter("id");
        if (!List.of("enable", "disable", "disable-log-reason").contains(verb)) {
            throw ApiException.notFound("Unknown action");
        }
        JsonNode body = Bodies.read(request, Bodies.SERVICE_SWITCH);
        String host = body.path("host").stringValue();
        String binary = body.path("binary").stringValue();
        if (!binary.equals(BINARY)) {
            throw ApiException.badRequest(
                    ("Updating a %s service is not supported. Only nova-compute services can be"
                                    + " updated.")
                            .formatted(binary));
        }
        Optional<String> reason = body.path("disabled_reason").stringValueOpt();
        if (verb.equals("disable-log-reason") && reason.isEmpty()) {
            throw ApiException.badRequest("Missing disabled reason field");
        }
        boolean enabled = verb.equals("enable");
        switchNode(request, host, enabled, enabled ? Optional.empty() : reason);
        ObjectNode root = Json.object();
        ObjectNode service = root.putObject("service");
        service.put("host", host);
        service.put("binary", binary);
        service.put("status", enabled ? "enabled" : "disabled");
        reason.ifPresent(text -> service.put("disabled_reason", text));
        return Response.ok(root);
    }

    private void switchNode(
            Request request, String node, boolean enabled, Optional<String> reason) {
        parts.database().run(handle -> switchNode(handle, request, node, enabled, reason));
    }

    private static void switchNode(
            Handle handle, Request request, String node, boolean enabled, Optional<String> reason) {
        if (!DisabledNodes.set(handle, node, enabled, reason)) {
            throw ApiException.notFound(
                    "Could not find binary %s on host %s.".formatted(BINARY, node));
        }
        Audit.record(handle, Actor.of(request), enabled ? "enable node" : "disable node", node);
    }

    /** There are none and none can be made; clients ask when they show a node. */
    private static Response aggregates(Request request) {
        ObjectNode root = Json.object();
        root.putArray("aggregates");
        return Response.ok(root);
    }

    private Response zones(Request request) {
        ObjectNode root = Json.object();
        ObjectNode zone = root.putArray("availabilityZoneInfo").addObject();
        describeZone(zone, all());
        zone.putNull("hosts");
        return Response.ok(root);
    }

    private Response zonesWithHosts(Request request) {
        List<HypervisorApi.Shown> nodes = all();
        ObjectNode root = Json.object();
        ObjectNode zone = root.putArray("availabilityZoneInfo").addObject();
        describeZone(zone, nodes);
        ObjectNode hosts = zone.putObject("hosts");
        for (HypervisorApi.Shown shown : nodes) {
            Node node = shown.node();
            ObjectNode service = hosts.putObject(node.name()).putObject(BINARY);
            service.put("available", node.up());
            service.put("active", shown.enabled());
            service.set("updated_at", View.naiveTime(node.heartbeatAt().orElse(Instant.EPOCH)));
        }
        return Response.ok(root);
    }

    private static void describeZone(ObjectNode zone, List<HypervisorApi.Shown> nodes) {
        boolean available = nodes.stream().anyMatch(shown -> shown.node().up() && shown.enabled());
        zone.put("zoneName", ServerShown.ZONE);
        zone.putObject("zoneState").put("available", available);
    }
}
