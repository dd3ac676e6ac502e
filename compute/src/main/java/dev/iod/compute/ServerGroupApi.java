package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.until;

import dev.iod.compute.ServerGroupStore.ServerGroup;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-server-groups}. */
final class ServerGroupApi {
    /** A group with the ids of its servers. */
    private record Shown(ServerGroup group, List<UUID> members) {}

    private static final View<Shown> VIEW =
            new View<>(
                    List.of(
                            field("id", (s, v) -> text(s.group().id().toString())),
                            field("name", (s, v) -> text(s.group().name())),
                            since(64, "policy", (s, v) -> text(s.group().policy().text())),
                            since(64, "rules", (s, v) -> rules(s.group())),
                            until(
                                    63,
                                    "policies",
                                    (s, v) -> Json.strings(List.of(s.group().policy().text()))),
                            until(63, "metadata", (s, v) -> Json.object()),
                            field(
                                    "members",
                                    (s, v) ->
                                            Json.strings(
                                                    s.members().stream()
                                                            .map(UUID::toString)
                                                            .toList())),
                            since(13, "project_id", (s, v) -> text(s.group().projectId())),
                            since(13, "user_id", (s, v) -> text(s.group().userId()))));

    private final Parts parts;

    ServerGroupApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/os-server-groups", this::list).may(Rule.READER),
                Route.post("/v2.1/os-server-groups", this::create).may(Rule.MEMBER),
                Route.get("/v2.1/os-server-groups/{id}", this::show).may(Rule.READER),
                Route.delete("/v2.1/os-server-groups/{id}", this::delete).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        ComputeQueries.SERVER_GROUPS.check(request);
        boolean all =
                request.caller().isAdmin() && request.query().first("all_projects").isPresent();
        Optional<String> project =
                all ? Optional.empty() : Optional.of(request.caller().projectId());
        int limit = request.list().limit();
        int offset = offset(request);
        View.Scope scope = Scopes.of(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("server_groups");
        parts.database()
                .read(
                        handle ->
                                ServerGroupStore.list(
                                                handle,
                                                project,
                                                offset,
                                                limit == 0 ? ListQuery.MAX_LIMIT : limit)
                                        .stream()
                                        .map(group -> VIEW.render(shown(handle, group), scope))
                                        .toList())
                .forEach(array::add);
        return Response.ok(root);
    }

    private static int offset(Request request) {
        String text = request.query().first("offset").orElse("0");
        if (!text.matches("[0-9]{1,9}")) {
            throw ApiException.badRequest(
                    ("Invalid input for query parameters offset. Value: %s. '%s' does not match"
                                    + " '^[0-9]*$'")
                            .formatted(text, text));
        }
        return Integer.parseInt(text);
    }

    private Response show(Request request) {
        return parts.database()
                .read(handle -> answer(request, shown(handle, visible(handle, request))));
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_SERVER_GROUP).path("server_group");
        GroupPolicy policy =
                GroupPolicy.of(
                        body.has("policy")
                                ? body.path("policy").stringValue()
                                : body.path("policies").path(0).stringValue());
        JsonNode max = body.path("rules").path("max_server_per_host");
        if (!max.isMissingNode() && policy != GroupPolicy.ANTI_AFFINITY) {
            throw ApiException.badRequest("Only anti-affinity policy supports rules.");
        }
        ServerGroup group =
                new ServerGroup(
                        UUID.randomUUID(),
                        request.caller().projectId(),
                        request.caller().userId(),
                        body.path("name").stringValue(),
                        policy,
                        max.isMissingNode()
                                ? Optional.empty()
                                : Optional.of(Integer.parseInt(max.asString())));
        parts.database()
                .run(
                        handle -> {
                            claim(handle, group.projectId());
                            ServerGroupStore.insert(handle, group);
                            Audit.record(
                                    handle,
                                    Actor.of(request),
                                    "create server group",
                                    group.id().toString());
                        });
        return answer(request, new Shown(group, List.of()));
    }

    private static void claim(Handle handle, String project) {
        Quotas.claim(handle, project, ComputeQuotas.Resource.SERVER_GROUPS.quota(), 1)
                .ifPresent(
                        excess -> {
                            throw ApiException.forbidden("Quota exceeded, too many server groups.");
                        });
    }

    private Response delete(Request request) {
        parts.database()
                .run(
                        handle -> {
                            ServerGroup group = visible(handle, request);
                            ServerGroupStore.delete(handle, group.id());
                            Audit.record(
                                    handle,
                                    Actor.of(request),
                                    "delete server group",
                                    group.id().toString());
                        });
        return Response.empty(204);
    }

    private static ServerGroup visible(Handle handle, Request request) {
        String id = request.pathParameter("id");
        return Formats.uuid(id)
                .flatMap(uuid -> ServerGroupStore.find(handle, uuid))
                .filter(group -> request.caller().mayAccess(group.projectId()))
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        "Instance group %s could not be found.".formatted(id)));
    }

    private static Shown shown(Handle handle, ServerGroup group) {
        return new Shown(group, ServerGroupStore.members(handle, group.id()));
    }

    private static Response answer(Request request, Shown shown) {
        ObjectNode root = Json.object();
        root.set("server_group", VIEW.render(shown, Scopes.of(request)));
        return Response.ok(root);
    }

    private static ObjectNode rules(ServerGroup group) {
        ObjectNode rules = Json.object();
        group.maxPerNode().ifPresent(max -> rules.put("max_server_per_host", max));
        return rules;
    }
}
