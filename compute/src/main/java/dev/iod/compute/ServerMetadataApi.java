package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** {@code /servers/ID/metadata} and {@code /servers/ID/tags} (2.26). */
final class ServerMetadataApi {
    private static final int TAGS_SINCE = 26;

    private final Parts parts;
    private final ServerChanges changes;

    ServerMetadataApi(Parts parts, ServerChanges changes) {
        this.parts = parts;
        this.changes = changes;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/servers/{id}/metadata", this::index).may(Rule.READER),
                Route.post("/v2.1/servers/{id}/metadata", request -> write(request, true))
                        .may(Rule.MEMBER),
                Route.put("/v2.1/servers/{id}/metadata", request -> write(request, false))
                        .may(Rule.MEMBER),
                Route.get("/v2.1/servers/{id}/metadata/{key}", this::show).may(Rule.READER),
                Route.put("/v2.1/servers/{id}/metadata/{key}", this::writeOne).may(Rule.MEMBER),
                Route.delete("/v2.1/servers/{id}/metadata/{key}", this::deleteOne).may(Rule.MEMBER),
                Route.get("/v2.1/servers/{id}/tags", this::tags).may(Rule.READER),
                Route.put("/v2.1/servers/{id}/tags", this::replaceTags).may(Rule.MEMBER),
                Route.delete("/v2.1/servers/{id}/tags", this::clearTags).may(Rule.MEMBER),
                Route.get("/v2.1/servers/{id}/tags/{tag}", this::hasTag).may(Rule.READER),
                Route.put("/v2.1/servers/{id}/tags/{tag}", this::addTag).may(Rule.MEMBER),
                Route.delete("/v2.1/servers/{id}/tags/{tag}", this::removeTag).may(Rule.MEMBER));
    }

    private Server visible(Request request) {
        return parts.database()
                .read(
                        handle ->
                                ServerChanges.visible(
                                        handle, Actor.of(request), request.pathParameter("id")));
    }

    private Response index(Request request) {
        return wrapped("metadata", visible(request).guest().metadata());
    }

    private Response show(Request request) {
        String key = request.pathParameter("key");
        String value = visible(request).guest().metadata().get(key);
        if (value == null) {
            throw ApiException.notFound("Metadata item was not found");
        }
        return wrapped("meta", Map.of(key, value));
    }

    private Response write(Request request, boolean keep) {
        Map<String, String> wanted =
                Json.map(Bodies.read(request, Bodies.METADATA).path("metadata"));
        return wrapped(
                "metadata",
                change(
                        request,
                        old -> {
                            Map<String, String> all = new LinkedHashMap<>(keep ? old : Map.of());
                            all.putAll(wanted);
                            return all;
                        }));
    }

    private Response writeOne(Request request) {
        String key = request.pathParameter("key");
        Map<String, String> wanted = Json.map(Bodies.read(request, Bodies.META).path("meta"));
        if (!wanted.keySet().equals(java.util.Set.of(key))) {
            throw ApiException.badRequest("Request body and URI mismatch");
        }
        change(
                request,
                old -> {
                    Map<String, String> all = new LinkedHashMap<>(old);
                    all.putAll(wanted);
                    return all;
                });
        return wrapped("meta", wanted);
    }

    private Response deleteOne(Request request) {
        String key = request.pathParameter("key");
        change(
                request,
                old -> {
                    Map<String, String> all = new LinkedHashMap<>(old);
                    if (all.remove(key) == null) {
                        throw ApiException.notFound("Metadata item was not found");
                    }
                    return all;
                });
        return Response.empty(204);
    }

    /** Metadata reaches the guest through its node's metadata service. */
    private Map<String, String> change(Request request, UnaryOperator<Map<String, String>> change) {
        Map<String, String> result = new LinkedHashMap<>();
        changes.edit(
                Actor.of(request),
                request.pathParameter("id"),
                edit -> {
                    edit.refuseLocked(Actor.of(request));
                    Map<String, String> all = change.apply(edit.server().guest().metadata());
                    limit(edit.handle(), edit.server(), all.size());
                    ServerStore.setMetadata(edit.handle(), edit.server().id(), all);
                    edit.tellNode();
                    result.clear();
                    result.putAll(all);
                });
        return result;
    }

    private static void limit(Handle handle, Server server, int items) {
        long limit =
                ComputeQuotas.limit(
                        handle, server.projectId(), ComputeQuotas.Resource.METADATA_ITEMS);
        if (Quotas.exceeds(items, limit)) {
            throw ApiException.forbidden(
                    "Maximum number of metadata items exceeds %d".formatted(limit));
        }
    }

    private static Response wrapped(String name, Map<String, String> map) {
        ObjectNode root = Json.object();
        root.set(name, Json.object(map));
        return Response.ok(root);
    }

    private Response tags(Request request) {
        requireTags(request);
        return tagList(visible(request).presentation().tags());
    }

    private Response replaceTags(Request request) {
        requireTags(request);
        List<String> wanted =
                Bodies.read(request, Bodies.TAGS)
                        .path("tags")
                        .valueStream()
                        .map(tag -> tag.stringValue())
                        .distinct()
                        .toList();
        changeTags(request, old -> wanted);
        return tagList(wanted);
    }

    private Response clearTags(Request request) {
        requireTags(request);
        changeTags(request, old -> List.of());
        return Response.empty(204);
    }

    private Response hasTag(Request request) {
        requireTags(request);
        String tag = request.pathParameter("tag");
        if (!visible(request).presentation().tags().contains(tag)) {
            throw noTag(request, tag);
        }
        return Response.empty(204);
    }

    private Response addTag(Request request) {
        requireTags(request);
        String tag = request.pathParameter("tag");
        Formats.TAG
                .check(View.text(tag), request.microversion().minor())
                .ifPresent(
                        violation -> {
                            throw ApiException.badRequest(
                                    ("Tag '%s' is invalid. It must be a non empty string without"
                                                    + " characters '/' and ','. Validation error"
                                                    + " message: %s")
                                            .formatted(tag, violation.message()));
                        });
        boolean[] added = {false};
        changeTags(
                request,
                old -> {
                    added[0] = !old.contains(tag);
                    List<String> all = new ArrayList<>(old);
                    if (added[0]) {
                        all.add(tag);
                    }
                    if (all.size() > Bodies.MAX_TAGS) {
                        throw ApiException.badRequest(
                                "The number of tags exceeded the per-server limit "
                                        + Bodies.MAX_TAGS);
                    }
                    return all;
                });
        return Response.empty(added[0] ? 201 : 204);
    }

    private Response removeTag(Request request) {
        requireTags(request);
        String tag = request.pathParameter("tag");
        changeTags(
                request,
                old -> {
                    List<String> all = new ArrayList<>(old);
                    if (!all.remove(tag)) {
                        throw noTag(request, tag);
                    }
                    return all;
                });
        return Response.empty(204);
    }

    private void changeTags(Request request, UnaryOperator<List<String>> change) {
        changes.edit(
                Actor.of(request),
                request.pathParameter("id"),
                edit ->
                        ServerStore.setTags(
                                edit.handle(),
                                edit.server().id(),
                                change.apply(edit.server().presentation().tags())));
    }

    private static ApiException noTag(Request request, String tag) {
        return ApiException.notFound(
                "Server %s has no tag '%s'".formatted(request.pathParameter("id"), tag));
    }

    private static void requireTags(Request request) {
        if (request.microversion().minor() < TAGS_SINCE) {
            throw ApiException.notFound("The resource could not be found.");
        }
    }

    private static Response tagList(List<String> tags) {
        ObjectNode root = Json.object();
        root.set("tags", Json.strings(tags));
        return Response.ok(root);
    }
}
