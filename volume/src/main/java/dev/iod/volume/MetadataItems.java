package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Handler;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The metadata of volumes or snapshots, as a whole and by key.
 *
 * @param kind as messages name it
 * @param read the metadata of the resource of the path
 * @param change what it becomes; answers with what it is then
 */
record MetadataItems(String kind, Function<Request, Map<String, String>> read, Change change) {
    /** As many as a server has at most. */
    private static final int MAX = 128;

    /** Changes the metadata of the resource of the path. */
    interface Change {
        Map<String, String> make(Request request, UnaryOperator<Map<String, String>> change);
    }

    /**
     * @param path of the metadata
     */
    List<Route> routes(String path) {
        Handler merge = request -> write(request, true);
        Handler replace = request -> write(request, false);
        return List.of(
                Route.get(path, request -> wrapped("metadata", read.apply(request)))
                        .may(Rule.READER),
                Route.post(path, merge).may(Rule.MEMBER),
                Route.put(path, replace).may(Rule.MEMBER),
                Route.get(path + "/{key}", this::item).may(Rule.READER),
                Route.put(path + "/{key}", this::writeItem).may(Rule.MEMBER),
                Route.delete(path + "/{key}", this::deleteItem).may(Rule.MEMBER));
    }

    private Response item(Request request) {
        String key = request.pathParameter("key");
        Map<String, String> metadata = read.apply(request);
        if (!metadata.containsKey(key)) {
            throw noItem(request, key);
        }
        return wrapped("meta", Map.of(key, metadata.getOrDefault(key, "")));
    }

    private Response write(Request request, boolean keep) {
        Map<String, String> wanted = Json.map(Bodies.METADATA.read(request).path("metadata"));
        return wrapped(
                "metadata", change.make(request, old -> merged(keep ? old : Map.of(), wanted)));
    }

    private Response writeItem(Request request) {
        String key = request.pathParameter("key");
        Map<String, String> wanted = Json.map(Bodies.META.read(request).path("meta"));
        if (!wanted.keySet().equals(Set.of(key))) {
            throw ApiException.badRequest("Request body and URI mismatch");
        }
        change.make(request, old -> merged(old, wanted));
        return wrapped("meta", wanted);
    }

    private Response deleteItem(Request request) {
        String key = request.pathParameter("key");
        change.make(
                request,
                old -> {
                    if (!old.containsKey(key)) {
                        throw noItem(request, key);
                    }
                    Map<String, String> rest = new LinkedHashMap<>(old);
                    rest.remove(key);
                    return rest;
                });
        return Response.empty(200);
    }

    private static Map<String, String> merged(Map<String, String> old, Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(old);
        all.putAll(more);
        return bounded(all);
    }

    /**
     * The metadata that the body of a volume or snapshot gives it.
     *
     * @throws ApiException 413 when there is too much
     */
    static Map<String, String> of(JsonNode body) {
        return body.hasNonNull("metadata") ? bounded(Json.map(body.path("metadata"))) : Map.of();
    }

    private static Map<String, String> bounded(Map<String, String> metadata) {
        if (metadata.size() > MAX) {
            throw new ApiException(
                    Fault.TOO_LARGE, "Maximum number of metadata items exceeds %d.".formatted(MAX));
        }
        return metadata;
    }

    private ApiException noItem(Request request, String key) {
        return ApiException.notFound(
                "%s %s has no metadata with key %s."
                        .formatted(kind, request.pathParameter("id"), key));
    }

    private static Response wrapped(String name, Map<String, String> map) {
        ObjectNode root = Json.object();
        root.set(name, Json.object(map));
        return Response.ok(root);
    }
}
