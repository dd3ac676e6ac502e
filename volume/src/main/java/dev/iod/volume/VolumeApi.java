package dev.iod.volume;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /volumes}. */
final class VolumeApi {
    /** As many as a server has at most. */
    private static final int MAX_METADATA = 128;

    private final VolumeChanges changes;
    private final Collection<Volume> volumes;

    VolumeApi(Database database, VolumeChanges changes) {
        this.changes = changes;
        volumes =
                Collection.of(
                                database,
                                new CinderStyle(),
                                Volume.TABLE,
                                "volume",
                                "id",
                                volume -> volume.id().toString())
                        .shown(VolumeView.BRIEF, VolumeView.DETAIL)
                        .keys(Formats::uuid)
                        .visible(VolumeFilters::visible)
                        .filters((request, visible) -> VolumeFilters.listed(request))
                        .paging(CinderStyle::page)
                        .missing((request, id) -> VolumeChanges.missing(id))
                        .build();
    }

    List<Route> routes() {
        String all = "/v3/volumes";
        String one = all + "/{id}";
        String metadata = one + "/metadata";
        return List.of(
                Route.get(all, volumes::list).may(Rule.READER),
                Route.post(all, this::create).may(Rule.MEMBER),
                Route.get(all + "/detail", request -> volumes.list(request, VolumeView.DETAIL))
                        .may(Rule.READER),
                Route.get(one, volumes::show).may(Rule.READER),
                Route.put(one, this::update).may(Rule.MEMBER),
                Route.delete(one, this::delete).may(Rule.MEMBER),
                Route.post(one + "/action", this::act).may(Rule.MEMBER),
                Route.get(metadata, this::metadata).may(Rule.READER),
                Route.post(metadata, request -> writeMetadata(request, true)).may(Rule.MEMBER),
                Route.put(metadata, request -> writeMetadata(request, false)).may(Rule.MEMBER),
                Route.get(metadata + "/{key}", this::metadataItem).may(Rule.READER),
                Route.put(metadata + "/{key}", this::writeMetadataItem).may(Rule.MEMBER),
                Route.delete(metadata + "/{key}", this::deleteMetadataItem).may(Rule.MEMBER));
    }

    private Response create(Request request) {
        JsonNode body = Bodies.CREATE.read(request).path("volume");
        refuse(body);
        NewVolume wanted =
                new NewVolume(
                        text(body, "name").map(String::strip),
                        text(body, "description").map(String::strip),
                        given(body, "size")
                                ? OptionalLong.of(Long.parseLong(body.path("size").asString()))
                                : OptionalLong.empty(),
                        text(body, "volume_type"),
                        given(body, "metadata") ? Json.map(body.path("metadata")) : Map.of(),
                        source(body));
        return volumes.show(
                request, 202, VolumeView.MADE, changes.create(Actor.of(request), wanted));
    }

    private static VolumeSource source(JsonNode body) {
        List<VolumeSource> sources = new ArrayList<>();
        text(body, "snapshot_id").map(VolumeSource.OfSnapshot::new).ifPresent(sources::add);
        text(body, "source_volid").map(VolumeSource.OfVolume::new).ifPresent(sources::add);
        text(body, "image_id")
                .or(() -> text(body, "imageRef"))
                .map(VolumeSource.Image::new)
                .ifPresent(sources::add);
        if (sources.size() > 1) {
            throw ApiException.badRequest(
                    "Invalid input received: May specify only one of backup, imageRef, snapshot,"
                            + " source volume");
        }
        return sources.isEmpty() ? new VolumeSource.Blank() : sources.getFirst();
    }

    /** What a volume cannot be. */
    private static void refuse(JsonNode body) {
        Optional<String> zone = text(body, "availability_zone");
        if (zone.filter(name -> !name.equals(VolumeView.ZONE)).isPresent()) {
            throw ApiException.badRequest(
                    "Invalid input received: Availability zone '%s' is invalid."
                            .formatted(zone.get()));
        }
        if (text(body, "consistencygroup_id").isPresent()) {
            throw ApiException.badRequest(
                    "Invalid input received: consistencygroup_id is not supported.");
        }
        if (given(body, "multiattach") && Schema.Truth.of(body.path("multiattach"))) {
            throw ApiException.badRequest("Invalid input received: multiattach is not supported.");
        }
    }

    private static boolean given(JsonNode body, String name) {
        return body.has(name) && !body.path(name).isNull();
    }

    /** A text that is there; as in Cinder an empty one is none. */
    private static Optional<String> text(JsonNode body, String name) {
        return body.path(name).stringValueOpt().filter(value -> !value.isEmpty());
    }

    private Response update(Request request) {
        JsonNode body = Bodies.UPDATE.read(request).path("volume");
        Volume changed =
                volumes.update(
                        request,
                        old -> {
                            Columns columns = new Columns();
                            rename(columns, "name", body, "name", "display_name");
                            rename(
                                    columns,
                                    "description",
                                    body,
                                    "description",
                                    "display_description");
                            if (body.has("metadata")) {
                                columns.set("metadata", Json.map(body.path("metadata")));
                            }
                            return columns.isEmpty()
                                    ? columns
                                    : columns.set("updated_at", Instant.now());
                        });
        return volumes.show(request, 200, VolumeView.MADE, changed);
    }

    private static void rename(
            Columns columns, String column, JsonNode body, String name, String oldName) {
        for (String property : List.of(oldName, name)) {
            if (body.has(property)) {
                columns.set(column, body.path(property).stringValueOpt().map(String::strip));
            }
        }
    }

    private Response delete(Request request) {
        changes.delete(Actor.of(request), request.pathParameter("id"), false);
        return Response.empty(202);
    }

    private Response act(Request request) {
        JsonNode body = Bodies.ACTION.read(request);
        String action = body.propertyNames().stream().findFirst().orElse("");
        String id = request.pathParameter("id");
        int minor = request.microversion().minor();
        switch (action) {
            case "os-extend" -> {
                String size =
                        Bodies.EXTEND.checked(body, minor).at("/os-extend/new_size").asString();
                changes.extend(Actor.of(request), id, Long.parseLong(size));
                return Response.empty(202);
            }
            case "os-set_bootable" -> {
                boolean bootable =
                        Schema.Truth.of(
                                Bodies.SET_BOOTABLE
                                        .checked(body, minor)
                                        .at("/os-set_bootable/bootable"));
                volumes.update(request, old -> new Columns().set("bootable", bootable));
                return Response.empty(200);
            }
            case "os-force_delete" -> {
                Bodies.FORCE_DELETE.checked(body, minor);
                if (!request.caller().isAdmin()) {
                    throw ApiException.forbidden(
                            "Policy doesn't allow"
                                    + " volume_extension:volume_admin_actions:force_delete to be"
                                    + " performed.");
                }
                changes.delete(Actor.of(request), id, true);
                return Response.empty(202);
            }
            default -> {
                volumes.find(request);
                throw ApiException.badRequest("There is no such action: " + action);
            }
        }
    }

    private Response metadata(Request request) {
        return wrapped("metadata", volumes.find(request).metadata());
    }

    private Response metadataItem(Request request) {
        String key = request.pathParameter("key");
        Map<String, String> metadata = volumes.find(request).metadata();
        if (!metadata.containsKey(key)) {
            throw noItem(request, key);
        }
        return wrapped("meta", Map.of(key, metadata.getOrDefault(key, "")));
    }

    private Response writeMetadata(Request request, boolean keep) {
        Map<String, String> wanted = Json.map(Bodies.METADATA.read(request).path("metadata"));
        return wrapped("metadata", change(request, old -> merged(keep ? old : Map.of(), wanted)));
    }

    private Response writeMetadataItem(Request request) {
        String key = request.pathParameter("key");
        Map<String, String> wanted = Json.map(Bodies.META.read(request).path("meta"));
        if (!wanted.keySet().equals(Set.of(key))) {
            throw ApiException.badRequest("Request body and URI mismatch");
        }
        change(request, old -> merged(old, wanted));
        return wrapped("meta", wanted);
    }

    private Response deleteMetadataItem(Request request) {
        String key = request.pathParameter("key");
        change(
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

    private Map<String, String> change(Request request, UnaryOperator<Map<String, String>> change) {
        return volumes.update(
                        request, old -> new Columns().set("metadata", change.apply(old.metadata())))
                .metadata();
    }

    private static Map<String, String> merged(Map<String, String> old, Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(old);
        all.putAll(more);
        if (all.size() > MAX_METADATA) {
            throw new ApiException(
                    Fault.TOO_LARGE,
                    "Maximum number of metadata items exceeds %d.".formatted(MAX_METADATA));
        }
        return all;
    }

    private static ApiException noItem(Request request, String key) {
        return ApiException.notFound(
                "Volume %s has no metadata with key %s."
                        .formatted(request.pathParameter("id"), key));
    }

    private static Response wrapped(String name, Map<String, String> map) {
        ObjectNode root = Json.object();
        root.set(name, Json.object(map));
        return Response.ok(root);
    }
}
