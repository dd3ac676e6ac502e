package dev.iod.compute;

import static dev.iod.compute.ComputeQuotas.Resource.SERVER_GROUPS;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.until;

import dev.iod.region.Collection;
import dev.iod.region.Collection.Paging;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Queries;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Columns;
import dev.iod.store.Where;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-server-groups}. */
final class ServerGroupApi {
    private static final View<ServerGroup> VIEW =
            new View<>(
                    List.of(
                            field("id", (g, v) -> text(g.id().toString())),
                            field("name", (g, v) -> text(g.name())),
                            since(64, "policy", (g, v) -> text(g.policy())),
                            since(64, "rules", (g, v) -> rules(g)),
                            until(63, "policies", (g, v) -> Json.strings(List.of(g.policy()))),
                            // Always empty in Nova too, which dropped it in 2.64.
                            until(63, "metadata", (g, v) -> Json.object()),
                            field("members", (g, v) -> members(g)),
                            since(13, "project_id", (g, v) -> text(g.projectId())),
                            since(13, "user_id", (g, v) -> text(g.userId()))));

    private final Collection<ServerGroup> groups;

    ServerGroupApi(Parts parts) {
        groups =
                NovaStyle.collection(
                                parts,
                                ServerGroup.TABLE,
                                "server_group",
                                "id",
                                g -> g.id().toString())
                        .shown(VIEW, VIEW)
                        .keys(Formats::uuid)
                        .visible(request -> owned(request, request.caller().isAdmin()))
                        .filters((request, visible) -> owned(request, all(request)))
                        .paging(ServerGroupApi::page)
                        .parameters(ComputeQueries.SERVER_GROUPS, Queries.ANY)
                        .quota(
                                SERVER_GROUPS.quota(),
                                "project_id",
                                "Quota exceeded, too many server groups.")
                        .missing(
                                (request, id) ->
                                        "Instance group %s could not be found.".formatted(id))
                        .build();
    }

    List<Route> routes() {
        String all = "/v2.1/os-server-groups";
        String one = all + "/{id}";
        return List.of(
                Route.get(all, groups::list).may(Rule.READER),
                Route.post(all, this::create).may(Rule.MEMBER),
                Route.get(one, groups::show).may(Rule.READER),
                Route.delete(one, groups::delete).may(Rule.MEMBER));
    }

    private static Where owned(Request request, boolean all) {
        return all ? Where.ALL : Where.of("project_id = ?", request.caller().projectId());
    }

    private static boolean all(Request request) {
        return request.caller().isAdmin() && request.query().first("all_projects").isPresent();
    }

    /** Nova takes a limit of 0 for none here. */
    private static Paging page(Request request) {
        int limit = request.list().limit();
        String offset = request.query().first("offset").orElse("0");
        if (!offset.matches("[0-9]{1,9}")) {
            throw ApiException.badRequest(
                    ("Invalid input for query parameters offset. Value: %s. '%s' does not match"
                                    + " '^[0-9]*$'")
                            .formatted(offset, offset));
        }
        return Paging.byOffset(limit == 0 ? ListQuery.MAX_LIMIT : limit, Integer.parseInt(offset));
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_SERVER_GROUP).path("server_group");
        String policy =
                body.has("policy")
                        ? body.path("policy").stringValue()
                        : body.path("policies").path(0).stringValue();
        Optional<Integer> max =
                body.path("rules").path("max_server_per_host").asStringOpt().map(Integer::valueOf);
        if (max.isPresent() && GroupPolicy.of(policy) != GroupPolicy.ANTI_AFFINITY) {
            throw ApiException.badRequest("Only anti-affinity policy supports rules.");
        }
        Columns columns =
                new Columns()
                        .set("id", UUID.randomUUID())
                        .set("project_id", request.caller().projectId())
                        .set("user_id", request.caller().userId())
                        .set("name", body.path("name").stringValue())
                        .set("policy", policy)
                        .set("max_per_node", max);
        return groups.show(request, groups.create(request, columns));
    }

    private static ObjectNode rules(ServerGroup group) {
        ObjectNode rules = Json.object();
        group.maxPerNode().ifPresent(max -> rules.put("max_server_per_host", max));
        return rules;
    }

    private static JsonNode members(ServerGroup group) {
        return Json.strings(group.members().stream().map(UUID::toString).toList());
    }
}
