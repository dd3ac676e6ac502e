package dev.iod.control.identity;

import dev.iod.control.db.Database;
import dev.iod.control.http.Access;
import dev.iod.control.http.Api;
import dev.iod.control.http.ErrorFormat;
import dev.iod.control.http.Json;
import dev.iod.control.http.Microversions;
import dev.iod.control.http.Request;
import dev.iod.control.http.Response;
import dev.iod.control.http.Route;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The identity service under {@code /identity}. */
public final class IdentityApi {
    private IdentityApi() {}

    /**
     * Its routes.
     *
     * @param region the region's name in the catalog
     */
    public static Api create(Database database, TokenService tokens, String region, Clock clock) {
        Catalog catalog = new Catalog(region);
        List<Route> routes = new ArrayList<>();
        routes.add(Route.get("/", IdentityApi::versions).access(Access.PUBLIC));
        routes.add(Route.get("/v3", IdentityApi::version).access(Access.PUBLIC));
        routes.addAll(new TokenApi(database, tokens, catalog).routes());
        routes.addAll(new ProjectApi(database, tokens).routes());
        routes.addAll(new UserApi(database, tokens, clock).routes());
        routes.addAll(new RoleApi(database, tokens).routes());
        routes.addAll(new ServiceApi(catalog).routes());
        return new Api("/identity", ErrorFormat.IDENTITY, Microversions.NONE, routes);
    }

    private static Response versions(Request request) {
        ObjectNode root = Json.object();
        root.putObject("versions").putArray("values").add(describe(request));
        // Keystone answers 300 Multiple Choices here.
        return Response.json(300, root);
    }

    private static Response version(Request request) {
        return Views.one(200, "version", describe(request));
    }

    private static ObjectNode describe(Request request) {
        ObjectNode version =
                Json.object()
                        .put("id", "v3.14")
                        .put("status", "stable")
                        .put("updated", "2020-04-07T00:00:00Z");
        version.putArray("links")
                .addObject()
                .put("rel", "self")
                .put("href", request.baseUrl() + "/identity/v3/");
        version.putArray("media-types")
                .addObject()
                .put("base", "application/json")
                .put("type", "application/vnd.openstack.identity-v3+json");
        return version;
    }
}
