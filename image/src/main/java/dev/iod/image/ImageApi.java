package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Pages;
import dev.iod.region.Service;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The image service under {@code /image}. */
public final class ImageApi {
    private static final String PATCH_TYPE = "application/openstack-images-v2.1-json-patch";
    private static final String OLD_PATCH_TYPE = "application/openstack-images-v2.0-json-patch";

    /** Where the bytes are to be; there is one place. */
    static final String STORE_HEADER = "X-Image-Meta-Store";

    /** Beyond it the sender is not told any more what becomes of its image. */
    private static final Duration CONVERSION = Duration.ofHours(1);

    private static final List<Page.Sort> NEWEST_FIRST = List.of(new Page.Sort("created_at", true));
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id",
                    "name", "name",
                    "status", "status",
                    "created_at", "created_at",
                    "updated_at", "updated_at",
                    "size", "coalesce(size_bytes, 0)",
                    "disk_format", "coalesce(disk_format, '')",
                    "container_format", "coalesce(container_format, '')");

    /** List parameters that are columns; every other one is a free property. */
    private static final Map<String, String> FILTER_COLUMNS =
            Map.of(
                    "id", "id",
                    "name", "name",
                    "status", "status",
                    "owner", "owner",
                    "checksum", "md5",
                    "os_hash_value", "sha512",
                    "disk_format", "disk_format",
                    "container_format", "container_format");

    private static final Map<String, String> OPERATORS =
            new TreeMap<>(
                    Map.of("gt", ">", "gte", ">=", "lt", "<", "lte", "<=", "eq", "=", "neq", "<>"));

    private final Database database;
    private final ImageService images;
    private final ImportApi imports;

    private ImageApi(Database database, ImageService images) {
        this.database = database;
        this.images = images;
        this.imports = new ImportApi(database, images.uploads(), images.imports());
    }

    /** {@code /image}. */
    public static Service service(Database database, ImageService images) {
        ImageApi api = new ImageApi(database, images);
        List<Route> routes = new ArrayList<>();
        routes.add(Route.get("/", ImageApi::versions).may(Rule.PUBLIC));
        routes.add(Route.get("/versions", ImageApi::versions).may(Rule.PUBLIC));
        routes.add(Route.get("/v2", ImageApi::versions).may(Rule.PUBLIC));
        routes.add(Route.post("/v2/images", api::create).may(Rule.MEMBER));
        routes.add(Route.get("/v2/images", api::list).may(Rule.READER));
        routes.add(Route.get("/v2/images/{id}", api::show).may(Rule.READER));
        routes.add(Route.patch("/v2/images/{id}", api::update).may(Rule.MEMBER));
        routes.add(Route.delete("/v2/images/{id}", api::delete).may(Rule.MEMBER));
        routes.add(Route.put("/v2/images/{id}/file", api::upload).may(Rule.MEMBER));
        routes.add(Route.get("/v2/images/{id}/file", api::download).may(Rule.READER));
        routes.add(Route.put("/v2/images/{id}/tags/{tag}", api::addTag).may(Rule.MEMBER));
        routes.add(Route.delete("/v2/images/{id}/tags/{tag}", api::removeTag).may(Rule.MEMBER));
        routes.addAll(new MemberApi(images.members()).routes());
        routes.addAll(api.imports.routes());
        routes.add(
                Route.post("/v2/images/{id}/actions/deactivate", r -> api.activate(r, false))
                        .may(Rule.ADMIN));
        routes.add(
                Route.post("/v2/images/{id}/actions/reactivate", r -> api.activate(r, true))
                        .may(Rule.ADMIN));
        routes.addAll(ImageSchemas.routes());
        return Service.listed("image", "glance", "/image", "", ImageDialect.DIALECT, routes)
                .migrations("db/image")
                .quotas(ImageQuotas.ALL)
                .nodes(images.captures(), images.captures())
                .start(images::start)
                .build();
    }

    private Response create(Request request) {
        Actor actor = Actor.of(request);
        Fields body = request.body();
        String id =
                body.optionalString("id", 36)
                        .map(ImageApi::checkedId)
                        .orElseGet(() -> UUID.randomUUID().toString());
        String owner = body.optionalString("owner", 255).orElse(actor.projectId());
        if (!actor.mayAccess(owner)) {
            throw ApiException.forbidden(
                    "You are not permitted to create images owned by '%s'.".formatted(owner));
        }
        Image image = images.create(Actor.of(request), id, owner, ImageAttributes.read(body));
        return imports.announced(Response.json(201, view(image)))
                .header("Location", request.baseUrl() + "/image/v2/images/" + id);
    }

    private static String checkedId(String text) {
        try {
            return UUID.fromString(text).toString();
        } catch (IllegalArgumentException e) {
            throw new ApiException(Fault.BAD_REQUEST, "The image id is not a UUID.", e);
        }
    }

    private Response list(Request request) {
        Query query = request.query();
        ListQuery page = request.list();
        ListSql sql = filtered(Actor.of(request), query);
        Listed<Image> found =
                database.read(
                        handle -> sql.page(handle, Pages.of(page), NEWEST_FIRST, ImageStore::map));
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("images");
        found.rows().forEach(image -> array.add(view(image)));
        root.put("first", "/v2/images");
        root.put("schema", "/v2/schemas/images");
        if (found.more()) {
            root.put("next", "/v2/images?" + query.with("marker", found.rows().getLast().id()));
        }
        return Response.ok(root);
    }

    private static ListSql filtered(Actor actor, Query query) {
        ListSql sql = new ListSql(ImageStore.SELECT, SORT_COLUMNS);
        sql.where("hidden = ?", query.flag("os_hidden").orElse(false));
        sql.where(
                ImageAccess.listed(
                        actor,
                        query.first("visibility"),
                        ImageAccess.memberStatus(query.first("member_status"))));
        for (String name : query.names()) {
            String value = query.first(name).orElse("");
            switch (name) {
                case "limit",
                        "marker",
                        "sort_key",
                        "sort_dir",
                        "sort",
                        "os_hidden",
                        "visibility",
                        "member_status" -> {}
                case "protected" -> sql.where("protected = ?", query.flag(name).orElse(false));
                case "tag" -> query.all(name).forEach(tag -> sql.where("? = ANY (tags)", tag));
                case "size" -> sql.where("size_bytes = ?", number(name, value));
                case "min_disk" -> sql.where("min_disk_gib = ?", number(name, value));
                case "min_ram" -> sql.where("min_ram_mib = ?", number(name, value));
                case "created_at", "updated_at" -> time(sql, name, value);
                case "size_min" -> sql.where("size_bytes >= ?", number(name, value));
                case "size_max" -> sql.where("size_bytes <= ?", number(name, value));
                default -> {
                    if (FILTER_COLUMNS.containsKey(name)) {
                        sql.in(FILTER_COLUMNS.getOrDefault(name, name), values(value));
                    } else {
                        sql.where("properties ->> ? = ?", name, value);
                    }
                }
            }
        }
        return sql;
    }

    /** {@code in:a,b} names several values; quotes may surround each. */
    private static List<String> values(String text) {
        if (!text.startsWith("in:")) {
            return List.of(text);
        }
        List<String> values = new ArrayList<>();
        for (String value : text.substring(3).split(",", 256)) {
            values.add(value.replace("\"", ""));
        }
        return values;
    }

    /** {@code gt:TIME} and the like; a time alone is an equal one. */
    private static void time(ListSql sql, String column, String text) {
        int colon = text.indexOf(':');
        String operator = colon < 0 ? "" : text.substring(0, colon);
        String sign = OPERATORS.getOrDefault(operator, "");
        if (sign.isEmpty() && operator.matches("[a-z]+")) {
            throw ApiException.badRequest(
                    "Unable to filter by %s: the operator '%s' is none of %s."
                            .formatted(column, operator, String.join(", ", OPERATORS.keySet())));
        }
        String time = sign.isEmpty() ? text : text.substring(colon + 1);
        try {
            String iso = time.strip().replace(' ', 'T');
            Instant instant =
                    iso.matches(".*([Zz]|[+-][0-9]{2}:?[0-9]{2})$")
                            ? OffsetDateTime.parse(iso).toInstant()
                            : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
            // Shown in seconds, so compared in seconds.
            sql.where(
                    "date_trunc('second', %s) %s ?".formatted(column, sign.isEmpty() ? "=" : sign),
                    instant.truncatedTo(ChronoUnit.SECONDS).atOffset(ZoneOffset.UTC));
        } catch (DateTimeParseException e) {
            throw new ApiException(
                    Fault.BAD_REQUEST,
                    "Unable to filter by %s: '%s' is not a time in ISO 8601."
                            .formatted(column, time),
                    e);
        }
    }

    private static long number(String name, String text) {
        if (!text.matches("[0-9]{1,18}")) {
            throw ApiException.badRequest(
                    "Unable to filter by %s: '%s' is not a number.".formatted(name, text));
        }
        return Long.parseLong(text);
    }

    private Response show(Request request) {
        Image image =
                database.read(
                        handle ->
                                ImageAccess.visible(
                                        handle, Actor.of(request), request.pathParameter("id")));
        return Response.ok(view(image));
    }

    private Response update(Request request) {
        String type = request.header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
        boolean old = type.startsWith(OLD_PATCH_TYPE);
        if (!old && !type.startsWith(PATCH_TYPE)) {
            throw new ApiException(
                    Fault.UNSUPPORTED_MEDIA_TYPE,
                    "The body must be of the type " + PATCH_TYPE + " or " + OLD_PATCH_TYPE + ".");
        }
        JsonNode body = Json.parse(request.bytes());
        JsonNode patch = old ? ImageAttributes.fromOldPatch(body) : body;
        Image image =
                images.update(
                        Actor.of(request),
                        request.pathParameter("id"),
                        attributes -> ImageAttributes.patch(attributes, patch));
        return Response.ok(view(image));
    }

    private Response delete(Request request) {
        images.delete(Actor.of(request), request.pathParameter("id"));
        return Response.empty(204);
    }

    private Response upload(Request request) {
        requireBytes(request);
        request.header(STORE_HEADER)
                .filter(store -> !store.equals(ImportApi.STORE))
                .ifPresent(
                        store -> {
                            throw ApiException.badRequest(
                                    "There is no store '%s'; there is one, '%s'."
                                            .formatted(store, ImportApi.STORE));
                        });
        images.uploads()
                .upload(
                        Actor.of(request),
                        request.pathParameter("id"),
                        request.stream(),
                        announced(request),
                        () -> request.allow(CONVERSION));
        return Response.empty(204);
    }

    /**
     * @throws ApiException 415 when the body is not said to be bytes
     */
    static void requireBytes(Request request) {
        String type = request.header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
        if (!type.equals("application/octet-stream")) {
            throw new ApiException(
                    Fault.UNSUPPORTED_MEDIA_TYPE,
                    "The body must be of the type application/octet-stream.");
        }
    }

    /** The length of the body by its header. */
    static OptionalLong announced(Request request) {
        return request.header("Content-Length")
                .filter(text -> text.matches("[0-9]{1,18}"))
                .map(text -> OptionalLong.of(Long.parseLong(text)))
                .orElse(OptionalLong.empty());
    }

    private Response download(Request request) {
        Image image =
                database.read(
                        handle ->
                                ImageAccess.visible(
                                        handle, Actor.of(request), request.pathParameter("id")));
        if (image.status() == Image.Status.DEACTIVATED && !request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    "The requested image has been deactivated. Image data download is forbidden.");
        }
        Optional<Image.Content> content = image.content();
        if (content.isEmpty() || !image.complete()) {
            return Response.empty(204);
        }
        return images.bytes(image)
                .map(
                        file ->
                                Response.file(
                                                "application/octet-stream",
                                                file,
                                                content.get().sizeBytes())
                                        .header("Content-Md5", content.get().md5()))
                .orElseThrow(() -> ImageAccess.missing(image.id()));
    }

    private Response activate(Request request, boolean active) {
        images.activate(Actor.of(request), request.pathParameter("id"), active);
        return Response.empty(204);
    }

    private Response addTag(Request request) {
        String tag = request.pathParameter("tag");
        images.update(
                Actor.of(request),
                request.pathParameter("id"),
                attributes -> {
                    List<String> tags = new ArrayList<>(attributes.tags());
                    tags.add(tag);
                    return ImageAttributes.withTags(attributes, tags);
                });
        return Response.empty(204);
    }

    private Response removeTag(Request request) {
        String tag = request.pathParameter("tag");
        images.update(
                Actor.of(request),
                request.pathParameter("id"),
                attributes -> {
                    List<String> tags = new ArrayList<>(attributes.tags());
                    if (!tags.remove(tag)) {
                        throw ApiException.notFound("The tag was not found.");
                    }
                    return ImageAttributes.withTags(attributes, tags);
                });
        return Response.empty(204);
    }

    private static ObjectNode view(Image image) {
        ObjectNode view = ImageAttributes.flat(image.attributes());
        view.put("id", image.id());
        view.put("owner", image.owner());
        view.put("status", image.status().text());
        view.put("created_at", Json.time(image.createdAt()));
        view.put("updated_at", Json.time(image.updatedAt()));
        image.lastImport().ifPresent(last -> importing(view, image, last));
        if (image.complete()) {
            view.put("stores", ImportApi.STORE);
        }
        if (image.complete() && image.content().isPresent()) {
            Image.Content content = image.content().get();
            view.put("size", content.sizeBytes());
            content.virtualBytes()
                    .ifPresentOrElse(
                            bytes -> view.put("virtual_size", bytes),
                            () -> view.putNull("virtual_size"));
            view.put("checksum", content.md5());
            view.put("os_hash_algo", "sha512");
            view.put("os_hash_value", content.sha512());
        } else {
            image.content()
                    .ifPresentOrElse(
                            staged -> view.put("size", staged.sizeBytes()),
                            () -> view.putNull("size"));
            view.putNull("virtual_size")
                    .putNull("checksum")
                    .putNull("os_hash_algo")
                    .putNull("os_hash_value");
        }
        view.put("self", "/v2/images/" + image.id());
        view.put("file", "/v2/images/" + image.id() + "/file");
        view.put("schema", "/v2/schemas/image");
        return view;
    }

    /** What Glance notes of an import. */
    private static void importing(ObjectNode view, Image image, Image.Import last) {
        boolean runs = image.status() == Image.Status.IMPORTING;
        if (runs) {
            view.put("os_glance_import_task", last.task());
        }
        view.put("os_glance_importing_to_stores", runs ? ImportApi.STORE : "");
        view.put("os_glance_failed_import", last.failed() ? ImportApi.STORE : "");
    }

    private static Response versions(Request request) {
        ObjectNode root = Json.object();
        ArrayNode versions = root.putArray("versions");
        for (String id : List.of("v2.9", "v2.7", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0")) {
            ObjectNode version =
                    versions.addObject()
                            .put("id", id)
                            .put("status", id.equals("v2.9") ? "CURRENT" : "SUPPORTED");
            version.putArray("links")
                    .addObject()
                    .put("rel", "self")
                    .put("href", request.baseUrl() + "/image/v2/");
        }
        // Glance answers 300 Multiple Choices at its root and 200 at /versions.
        boolean root300 = !request.path().endsWith("/versions");
        return Response.json(root300 ? 300 : 200, root);
    }
}
