package dev.iod.compute;

import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import java.util.List;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Which projects may use a flavor that is not shared with all: the table {@code flavor_access}. */
final class FlavorAccessApi {
    private final Database database;
    private final Collection<Flavor> flavors;

    FlavorAccessApi(Database database, Collection<Flavor> flavors) {
        this.database = database;
        this.flavors = flavors;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v2.1/flavors/{id}/action", this::change).may(Rule.ADMIN),
                Route.get("/v2.1/flavors/{id}/os-flavor-access", this::list).may(Rule.ADMIN));
    }

    private Response list(Request request) {
        return database.read(
                handle -> {
                    Flavor flavor = flavors.find(handle, request);
                    if (flavor.shared()) {
                        throw ApiException.notFound(
                                "Access list not available for public flavors.");
                    }
                    return answer(handle, flavor);
                });
    }

    private Response change(Request request) {
        JsonNode body = Json.parse(request.bytes());
        boolean add = body.has("addTenantAccess");
        if (!add && !body.has("removeTenantAccess")) {
            throw ApiException.badRequest("There is no such action.");
        }
        Bodies.checked(
                body,
                add ? Bodies.ADD_ACCESS : Bodies.REMOVE_ACCESS,
                request.microversion().minor());
        String project =
                body.path(add ? "addTenantAccess" : "removeTenantAccess")
                        .path("tenant")
                        .stringValue();
        return database.transaction(
                handle -> {
                    Flavor flavor = flavors.find(handle, request);
                    if (add) {
                        grant(handle, flavor, project);
                    } else {
                        revoke(handle, flavor, project);
                    }
                    return answer(handle, flavor);
                });
    }

    private static void grant(Handle handle, Flavor flavor, String project) {
        if (flavor.shared()) {
            throw ApiException.conflict("Can not add access to a public flavor.");
        }
        int made =
                handle.execute(
                        "INSERT INTO flavor_access (flavor_id, project_id) VALUES (?, ?)"
                                + " ON CONFLICT DO NOTHING",
                        flavor.id(),
                        project);
        if (made == 0) {
            throw ApiException.conflict(
                    "Flavor access already exists for flavor %s and project %s combination."
                            .formatted(flavor.id(), project));
        }
    }

    private static void revoke(Handle handle, Flavor flavor, String project) {
        int removed =
                handle.execute(
                        "DELETE FROM flavor_access WHERE flavor_id = ? AND project_id = ?",
                        flavor.id(),
                        project);
        if (removed == 0) {
            throw ApiException.notFound(
                    "Flavor access not found for %s / %s combination."
                            .formatted(flavor.id(), project));
        }
    }

    private static Response answer(Handle handle, Flavor flavor) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("flavor_access");
        handle.createQuery(
                        "SELECT project_id FROM flavor_access WHERE flavor_id = :id"
                                + " ORDER BY project_id")
                .bind("id", flavor.id())
                .mapTo(String.class)
                .forEach(
                        project ->
                                array.addObject()
                                        .put("flavor_id", flavor.id())
                                        .put("tenant_id", project));
        return Response.ok(root);
    }
}
