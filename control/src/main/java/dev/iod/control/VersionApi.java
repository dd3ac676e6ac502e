package dev.iod.control;

import dev.iod.control.http.Access;
import dev.iod.control.http.Api;
import dev.iod.control.http.ErrorFormat;
import dev.iod.control.http.Json;
import dev.iod.control.http.Microversions;
import dev.iod.control.http.Request;
import dev.iod.control.http.Response;
import dev.iod.control.http.Route;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The document at the root: where each service is. */
final class VersionApi {
    private static final List<String> SERVICES = List.of("identity", "compute", "network", "image");

    private VersionApi() {}

    static Api api() {
        return new Api(
                "",
                ErrorFormat.NATIVE,
                Microversions.NONE,
                List.of(Route.get("/", VersionApi::root).access(Access.PUBLIC)));
    }

    private static Response root(Request request) {
        ObjectNode services = Json.object();
        SERVICES.forEach(name -> services.put(name, request.baseUrl() + "/" + name));
        ObjectNode root = Json.object();
        root.set("services", services);
        return Response.ok(root);
    }
}
