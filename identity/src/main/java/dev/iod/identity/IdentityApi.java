package dev.iod.identity;

import dev.iod.region.Projects;
import dev.iod.region.Service;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The identity service under {@code /identity}. */
public final class IdentityApi {
    private static final String TYPE = "identity";
    private static final String NAME = "keystone";
    private static final String PREFIX = "/identity";
    private static final String VERSION_PATH = "/v3";

    private IdentityApi() {}

    /**
     * The service.
     *
     * @param region the region's name in the catalog
     * @param adminPassword of the user {@code admin}, who exists from the start
     * @param others the other services of the catalog
     */
    public static Service service(
            Database database,
            TokenService tokens,
            String region,
            String adminPassword,
            Clock clock,
            List<Service> others) {
        Catalog catalog = Catalog.of(region, TYPE, NAME, PREFIX + VERSION_PATH, others);
        List<Route> routes = new ArrayList<>();
        routes.add(Route.get("/", IdentityApi::versions).may(Rule.PUBLIC));
        routes.add(Route.get(VERSION_PATH, IdentityApi::version).may(Rule.PUBLIC));
        routes.addAll(new TokenApi(database, tokens, catalog).routes());
        routes.addAll(new ProjectApi(database, tokens).routes());
        routes.addAll(new UserApi(database, tokens).routes());
        routes.addAll(new RoleApi(database, tokens).routes());
        routes.addAll(new GrantApi(database, tokens).routes());
        routes.addAll(new CatalogApi(catalog).routes());
        return Service.listed(TYPE, NAME, PREFIX, VERSION_PATH, new IdentityDialect(), routes)
                .migrations("db/identity")
                .start(
                        () -> {
                            new Bootstrap(database, tokens, adminPassword, clock).run();
                            tokens.start();
                        })
                .build();
    }

    /** Which projects there are, for other services. */
    public static Projects projects() {
        return (handle, id) -> Project.find(handle, id).isPresent();
    }

    private static Response versions(Request request) {
        ObjectNode root = Json.object();
        root.putObject("versions").putArray("values").add(describe(request));
        // Keystone answers 300 Multiple Choices here.
        return Response.json(300, root);
    }

    private static Response version(Request request) {
        return KeystoneStyle.one(200, "version", describe(request));
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
