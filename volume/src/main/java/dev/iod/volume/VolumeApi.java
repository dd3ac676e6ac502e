package dev.iod.volume;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** {@code /volumes}. */
final class VolumeApi {
    private final VolumeChanges changes;
    private final VolumeImages uploads;
    private final Collection<Volume> volumes;

    VolumeApi(Database database, VolumeChanges changes, VolumeImages uploads) {
        this.uploads = uploads;
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
        List<Route> routes =
                new ArrayList<>(
                        List.of(
                                Route.get(all, volumes::list).may(Rule.READER),
                                Route.post(all, this::create).may(Rule.MEMBER),
                                Route.get(
                                                all + "/detail",
                                                request -> volumes.list(request, VolumeView.DETAIL))
                                        .may(Rule.READER),
                                Route.get(one, volumes::show).may(Rule.READER),
                                Route.put(one, this::update).may(Rule.MEMBER),
                                Route.delete(one, this::delete).may(Rule.MEMBER),
                                Route.post(one + "/action", this::act).may(Rule.MEMBER)));
        routes.addAll(
                new MetadataItems(
                                "Volume",
                                request -> volumes.find(request).metadata(),
                                this::changeMetadata)
                        .routes(one + "/metadata"));
        return routes;
    }

    private Response create(Request request) {
        JsonNode root = Bodies.CREATE.read(request);
        JsonNode body = root.path("volume");
        refuse(body);
        NewVolume wanted =
                new NewVolume(
                        named(body, "name"),
                        named(body, "description"),
                        given(body, "size")
                                ? OptionalLong.of(Long.parseLong(body.path("size").asString()))
                                : OptionalLong.empty(),
                        text(body, "volume_type"),
                        MetadataItems.of(body),
                        source(body),
                        sameHost(root.path("OS-SCH-HNT:scheduler_hints").path("same_host")));
        return volumes.show(
                request, 202, VolumeView.MADE, changes.create(Actor.of(request), wanted));
    }

    /** One id or several, as Cinder's SameBackendFilter takes them. */
    private static List<String> sameHost(JsonNode hint) {
        return hint.isArray()
                ? hint.valueStream().map(id -> id.asString("")).toList()
                : hint.stringValueOpt().stream().toList();
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

    /** A name or description by the first of its names that is given. */
    static Optional<String> named(JsonNode body, String... properties) {
        return Stream.of(properties)
                .flatMap(property -> text(body, property).stream())
                .findFirst()
                .map(String::strip);
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
                                columns.set("metadata", MetadataItems.of(body));
                            }
                            return columns.isEmpty()
                                    ? columns
                                    : columns.set("updated_at", Instant.now());
                        });
        return volumes.show(request, 200, VolumeView.MADE, changed);
    }

    static void rename(Columns columns, String column, JsonNode body, String name, String oldName) {
        for (String property : List.of(oldName, name)) {
            if (body.has(property)) {
                columns.set(column, body.path(property).stringValueOpt().map(String::strip));
            }
        }
    }

    private Response delete(Request request) {
        boolean cascade = request.query().flag("cascade").orElse(false);
        changes.delete(Actor.of(request), request.pathParameter("id"), false, cascade);
        return Response.empty(202);
    }

    private static String wantedStatus(JsonNode reset) {
        for (String other : List.of("attach_status", "migration_status")) {
            if (text(reset, other).isPresent()) {
                throw ApiException.badRequest(
                        "%s cannot be reset: volumes are attached by their servers' API only, and do not migrate."
                                .formatted(other));
            }
        }
        return text(reset, "status")
                .orElseThrow(
                        () ->
                                ApiException.badRequest(
                                        "Must specify 'status', 'attach_status' or"
                                                + " 'migration_status' for update."))
                .toLowerCase(Locale.ROOT);
    }

    /**
     * @throws ApiException 403 in Cinder's words for all others
     */
    static void administrators(Request request, String policy) {
        if (!request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow %s to be performed.".formatted(policy));
        }
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
            case "os-reset_status" -> {
                JsonNode reset = Bodies.RESET_STATUS.checked(body, minor).path("os-reset_status");
                administrators(request, "volume_extension:volume_admin_actions:reset_status");
                changes.resetStatus(Actor.of(request), id, wantedStatus(reset));
                return Response.empty(202);
            }
            case "os-volume_upload_image" -> {
                return uploads.upload(
                        request, id, Bodies.UPLOAD_IMAGE.checked(body, minor).path(action));
            }
            case "os-force_delete" -> {
                Bodies.FORCE_DELETE.checked(body, minor);
                administrators(request, "volume_extension:volume_admin_actions:force_delete");
                changes.delete(Actor.of(request), id, true, false);
                return Response.empty(202);
            }
            default -> {
                volumes.find(request);
                throw ApiException.badRequest("There is no such action: " + action);
            }
        }
    }

    private Map<String, String> changeMetadata(
            Request request, UnaryOperator<Map<String, String>> change) {
        return volumes.update(
                        request, old -> new Columns().set("metadata", change.apply(old.metadata())))
                .metadata();
    }
}
