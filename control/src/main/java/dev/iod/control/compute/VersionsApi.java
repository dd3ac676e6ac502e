package dev.iod.control.compute;

import dev.iod.control.http.Access;
import dev.iod.control.http.Json;
import dev.iod.control.http.Microversion;
import dev.iod.control.http.Microversions;
import dev.iod.control.http.Request;
import dev.iod.control.http.Response;
import dev.iod.control.http.Route;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Nova's version documents. */
final class VersionsApi {
    static final Microversions MICROVERSIONS =
            new Microversions(
                    "compute",
                    "X-OpenStack-Nova-API-Version",
                    new Microversion(2, 1),
                    new Microversion(2, 90));

    private VersionsApi() {}

    static List<Route> routes() {
        return List.of(
                Route.get("/", VersionsApi::all).access(Access.PUBLIC),
                Route.get("/v2.1", VersionsApi::one).access(Access.PUBLIC));
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
