package dev.iod.compute;

import dev.iod.rest.Json;
import dev.iod.rest.Microversion;
import dev.iod.rest.Microversions;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Nova's version documents. */
final class VersionsApi {
    static final String VERSION_PATH = "/v2.1";

    static final Microversions MICROVERSIONS =
            new Microversions(
                    "compute",
                    "X-OpenStack-Nova-API-Version",
                    new Microversion(2, 1),
                    new Microversion(2, 90));

    private VersionsApi() {}

    static List<Route> routes() {
        return List.of(
                Route.get("/", VersionsApi::all).may(Rule.PUBLIC),
                Route.get(VERSION_PATH, VersionsApi::one).may(Rule.PUBLIC));
    }

    private static Response all(Request request) {
        ObjectNode root = Json.object();
        root.putArray("versions").add(version(request));
        return Response.ok(root);
    }

    private static Response one(Request request) {
        ObjectNode version = version(request);
        version.withArray("links")
                .addObject()
                .put("rel", "describedby")
                .put("type", "text/html")
                .put("href", "https://docs.openstack.org/api-ref/compute/");
        version.putArray("media-types")
                .addObject()
                .put("base", "application/json")
                .put("type", "application/vnd.openstack.compute+json;version=2.1");
        ObjectNode root = Json.object();
        root.set("version", version);
        return Response.ok(root);
    }

    private static ObjectNode version(Request request) {
        ObjectNode version = Json.object();
        version.put("id", "v2.1");
        version.put("status", "CURRENT");
        version.put("version", MICROVERSIONS.max().toString());
        version.put("min_version", MICROVERSIONS.min().toString());
        version.put("updated", "2013-07-23T11:33:21Z");
        version.putArray("links")
                .addObject()
                .put("rel", "self")
                .put("href", request.baseUrl() + Scopes.PREFIX + "/v2.1/");
        return version;
    }
}
