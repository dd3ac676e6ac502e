package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /servers/ID/os-instance-actions}: what was done to a server, also after its end (2.21).
 */
final class InstanceActionApi {
    private static final int EVENTS_SINCE = 51;
    private static final View<InstanceActions.Entry> VIEW =
            new View<>(
                    List.of(
                            field("action", (a, v) -> text(a.action())),
                            field("instance_uuid", (a, v) -> text(a.serverId().toString())),
                            field("request_id", (a, v) -> text(a.requestId())),
                            field("user_id", (a, v) -> text(a.userId())),
                            field("project_id", (a, v) -> text(a.actorProjectId())),
                            field("start_time", (a, v) -> View.naiveTime(a.started())),
                            field(
                                    "message",
                                    (a, v) -> a.failure().isPresent() ? text("Error") : nothing()),
                            since(58, "updated_at", (a, v) -> View.naiveTime(a.updated()))));

    private static final View<InstanceActions.Entry> EVENT =
            new View<>(
                    List.of(
                            field("event", (a, v) -> text(InstanceActions.Kind.event(a.action()))),
                            field("start_time", (a, v) -> View.naiveTime(a.started())),
                            field("finish_time", (a, v) -> View.naiveTime(a.finished())),
                            field("result", (a, v) -> result(a)),
                            View.admin(1, "traceback", (a, v) -> nothing()),
                            View.admin(62, "host", (a, v) -> text(a.node())),
                            since(62, "hostId", (a, v) -> hostId(a)),
                            View.admin(84, "details", (a, v) -> text(a.failure()))));

    private final Parts parts;

    InstanceActionApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/servers/{id}/os-instance-actions", this::list).may(Rule.READER),
                Route.get("/v2.1/servers/{id}/os-instance-actions/{request}", this::show)
                        .may(Rule.READER));
    }

    private Response list(Request request) {
        ComputeQueries.INSTANCE_ACTIONS.check(request);
        View.Scope scope = Scopes.of(request);
        boolean paged = scope.minor() >= 58;
        ListQuery page = request.list();
        int limit = paged ? page.limit() : ListQuery.MAX_LIMIT;
        Optional<String> marker = paged ? page.marker() : Optional.empty();
        Optional<Instant> since =
                paged ? ServerList.time(request.query(), "changes-since") : Optional.empty();
        Optional<Instant> before =
                scope.minor() >= 66
                        ? ServerList.time(request.query(), "changes-before")
                        : Optional.empty();
        List<InstanceActions.Entry> entries =
                parts.database()
                        .read(
                                handle -> {
                                    UUID server = visible(handle, request);
                                    marker.ifPresent(id -> require(handle, server, id));
                                    return InstanceActions.list(
                                            handle, server, limit, marker, since, before);
                                });
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("instanceActions");
        entries.forEach(entry -> array.add(VIEW.render(entry, scope)));
        if (paged && !entries.isEmpty() && entries.size() == limit) {
            root.set(
                    "links",
                    Links.at(scope)
                            .next(
                                    "servers/%s/os-instance-actions"
                                            .formatted(request.pathParameter("id")),
                                    request.query().with("marker", entries.getLast().requestId())));
        }
        return Response.ok(root);
    }

    private static void require(Handle handle, UUID server, String marker) {
        if (InstanceActions.find(handle, server, marker).isEmpty()) {
            throw ApiException.badRequest("Marker %s could not be found.".formatted(marker));
        }
    }

    private Response show(Request request) {
        View.Scope scope = Scopes.of(request);
        String id = request.pathParameter("request");
        InstanceActions.Entry entry =
                parts.database()
                        .read(handle -> InstanceActions.find(handle, visible(handle, request), id))
                        .orElseThrow(
                                () -> ApiException.notFound("Action %s not found".formatted(id)));
        ObjectNode action = VIEW.render(entry, scope);
        if (scope.admin() || scope.minor() >= EVENTS_SINCE) {
            action.putArray("events").add(EVENT.render(entry, scope));
        }
        ObjectNode root = Json.object();
        root.set("instanceAction", action);
        return Response.ok(root);
    }

    private static UUID visible(Handle handle, Request request) {
        String text = request.pathParameter("id");
        Optional<UUID> id = Formats.uuid(text);
        Optional<String> gone =
                request.microversion().minor() >= 21
                        ? id.flatMap(uuid -> InstanceActions.project(handle, uuid))
                        : Optional.empty();
        if (gone.filter(Actor.of(request)::mayAccess).isPresent()) {
            return id.orElseThrow();
        }
        return ServerChanges.visible(handle, Actor.of(request), text).id();
    }

    private static JsonNode result(InstanceActions.Entry entry) {
        if (entry.finished().isEmpty()) {
            return nothing();
        }
        return text(entry.failure().isPresent() ? "Error" : "Success");
    }

    private static JsonNode hostId(InstanceActions.Entry entry) {
        return text(
                entry.node().isEmpty() ? "" : ServerShown.hostId(entry.projectId(), entry.node()));
    }
}
