package dev.iod.network;

import dev.iod.rest.Handler;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the network service answers without a database: versions, extensions and lists of what a
 * region cannot have yet.
 */
final class FixedAnswers {
    /** Resources of Neutron of which there are none. */
    private static final List<String> NONE =
            List.of("agents", "subnetpools", "address-groups", "address-scopes", "floatingips");

    private FixedAnswers() {}

    static List<Route> routes() {
        var routes = new ArrayList<Route>();
        routes.add(Route.get("/", FixedAnswers::versions).may(Rule.PUBLIC));
        routes.add(Route.get(NetworkApi.VERSION_PATH, FixedAnswers::resources).may(Rule.READER));
        routes.add(path("/extensions", FixedAnswers::extensions));
        routes.add(path("/extensions/{alias}", FixedAnswers::extension));
        routes.add(path("/availability_zones", FixedAnswers::zones));
        for (String name : NONE) {
            String key = name.replace('-', '_');
            routes.add(path("/" + name, request -> Response.ok(list(key))));
        }
        return routes;
    }

    private static Route path(String path, Handler handler) {
        return Route.get(NetworkApi.VERSION_PATH + path, handler).may(Rule.READER);
    }

    private static ObjectNode list(String key) {
        ObjectNode body = Json.object();
        body.putArray(key);
        return body;
    }

    private static Response versions(Request request) {
        ObjectNode body = Json.object();
        ObjectNode version = body.putArray("versions").addObject();
        version.put("id", "v2.0").put("status", "CURRENT");
        version.putArray("links")
                .addObject()
                .put("rel", "self")
                .put("href", request.baseUrl() + NetworkApi.PREFIX + NetworkApi.VERSION_PATH + "/");
        return Response.ok(body);
    }

    private static Response resources(Request request) {
        ObjectNode body = Json.object();
        ArrayNode resources = body.putArray("resources");
        for (String name : List.of("network", "subnet", "port")) {
            ObjectNode resource = resources.addObject();
            resource.put("name", name).put("collection", name + "s");
            resource.putArray("links")
                    .addObject()
                    .put("rel", "self")
                    .put(
                            "href",
                            request.baseUrl()
                                    + NetworkApi.PREFIX
                                    + NetworkApi.VERSION_PATH
                                    + "/"
                                    + name
                                    + "s");
        }
        return Response.ok(body);
    }

    private static Response extensions(Request request) {
        ObjectNode body = Json.object();
        ArrayNode extensions = body.putArray("extensions");
        for (Extension extension : Extension.values()) {
            extensions.add(request.list().project(view(extension)));
        }
        return Response.ok(body);
    }

    private static Response extension(Request request) {
        String alias = request.pathParameter("alias");
        for (Extension extension : Extension.values()) {
            if (extension.alias().equals(alias)) {
                ObjectNode body = Json.object();
                body.set("extension", view(extension));
                return Response.ok(body);
            }
        }
        throw Neutron.notFound(
                "ExtensionNotFound", "Extension with alias %s does not exist".formatted(alias));
    }

    private static ObjectNode view(Extension extension) {
        ObjectNode view = Json.object();
        view.put("alias", extension.alias())
                .put("name", extension.title())
                .put("description", extension.title())
                .put("updated", Extension.UPDATED);
        view.putArray("links");
        return view;
    }

    private static Response zones(Request request) {
        ObjectNode body = Json.object();
        ArrayNode zones = body.putArray("availability_zones");
        for (String resource : List.of("network", "router")) {
            zones.addObject()
                    .put("name", "nova")
                    .put("resource", resource)
                    .put("state", "available");
        }
        return Response.ok(body);
    }
}
