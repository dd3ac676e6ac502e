package dev.iod.volume;

import dev.iod.rest.Json;
import dev.iod.rest.Microversion;
import dev.iod.rest.Microversions;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Cinder's version documents. */
final class VersionsApi {
    static final String PREFIX = "/volume";
    static final String VERSION_PATH = "/v3";

    /** 3.6 is about consistency groups, of which there are none. */
    static final Microversions MICROVERSIONS =
            new Microversions(
                    "volume",
                    "OpenStack-Volume-microversion",
                    new Microversion(3, 0),
                    new Microversion(3, 5));

    private static final int MULTIPLE_CHOICES = 300;

    private VersionsApi() {}

    static List<Route> routes() {
        return List.of(
                Route.get("/", VersionsApi::all).may(Rule.PUBLIC),
                Route.get(VERSION_PATH, VersionsApi::one).may(Rule.PUBLIC));
    }

    private static Response all(Request request) {
        return Response.json(MULTIPLE_CHOICES, document(request));
    }

    private static Response one(Request request) {
        return Response.ok(document(request));
    }

    private static ObjectNode document(Request request) {
        ObjectNode root = Json.object();
        ObjectNode version = root.putArray("versions").addObject();
        version.put("id", "v3.0");
        version.put("status", "CURRENT");
        version.put("version", MICROVERSIONS.max().toString());
        version.put("min_version", MICROVERSIONS.min().toString());
        version.put("updated", "2026-11-30T00:00:00Z");
        version.putArray("links")
                .addObject()
                .put("rel", "self")
                .put("href", request.baseUrl() + PREFIX + VERSION_PATH + "/");
        version.putArray("media-types")
                .addObject()
                .put("base", "application/json")
                .put("type", "application/vnd.openstack.volume+json;version=3");
        return root;
    }
}
