package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Pages;
import dev.iod.rest.ApiException;
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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Import of images, the tasks of it, and what there is of both. */
record ImportApi(Database database, ImageUploads uploads, ImageImports imports) {
    /** The one store that there is. */
    static final String STORE = "local";

    private static final String TYPE = "api_image_import";
    private static final List<Page.Sort> NEWEST_FIRST = List.of(new Page.Sort("created_at", true));
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id",
                    "status", "status",
                    "created_at", "created_at",
                    "updated_at", "updated_at",
                    "expires_at", "coalesce(expires_at, 'infinity')");

    List<Route> routes() {
        return List.of(
                Route.put("/v2/images/{id}/stage", this::stage).may(Rule.MEMBER),
                Route.post("/v2/images/{id}/import", this::importImage).may(Rule.MEMBER),
                Route.get("/v2/images/{id}/tasks", this::tasksOfImage).may(Rule.READER),
                Route.get("/v2/tasks", this::tasks).may(Rule.ADMIN),
                Route.get("/v2/tasks/{id}", this::task).may(Rule.ADMIN),
                Route.get("/v2/info/import", this::methods).may(Rule.READER),
                Route.get("/v2/info/stores", _ -> stores()).may(Rule.READER));
    }

    /** What an image's creation tells of it. */
    Response announced(Response created) {
        return created.header("OpenStack-image-import-methods", String.join(",", imports.methods()))
                .header("OpenStack-image-store-ids", STORE);
    }

    private Response stage(Request request) {
        ImageApi.requireBytes(request);
        uploads.stage(
                Actor.of(request),
                request.pathParameter("id"),
                request.stream(),
                ImageApi.announced(request));
        return Response.empty(204);
    }

    private Response importImage(Request request) {
        Actor actor = Actor.of(request);
        String id = request.pathParameter("id");
        database.read(handle -> ImageAccess.own(handle, actor, id, "modify"));
        byte[] bytes = request.bytes();
        Fields body = Fields.of(Json.parse(bytes), "body", ImageDialect.DIALECT);
        ImportMethod method = ImportMethod.read(body, imports.methods());
        checkStores(request, body);
        body.end();
        ObjectNode input = Json.object().put("image_id", id);
        input.set("import_req", Json.parse(bytes));
        input.set("backend", Json.strings(List.of(STORE)));
        imports.importImage(actor, id, method, Json.text(input));
        return Response.empty(202);
    }

    private static void checkStores(Request request, Fields body) {
        boolean all = body.optionalBoolean("all_stores").orElse(false);
        body.optionalBoolean("all_stores_must_succeed");
        Optional<List<String>> stores = body.optionalStrings("stores", 16, 255);
        Optional<String> header = request.header(ImageApi.STORE_HEADER);
        if (all && (stores.isPresent() || header.isPresent())) {
            throw ApiException.badRequest(
                    "All_stores parameter can't be used with x-image-meta-store header or stores"
                            + " parameter");
        }
        if (stores.isPresent() && header.isPresent()) {
            throw ApiException.badRequest(
                    "Stores parameter and x-image-meta-store header can't be both specified");
        }
        for (String store : stores.orElse(header.map(List::of).orElse(List.of(STORE)))) {
            if (!store.equals(STORE)) {
                throw ApiException.conflict(
                        "There is no store '%s'; there is one, '%s'.".formatted(store, STORE));
            }
        }
    }

    private Response methods(Request request) {
        ObjectNode root = Json.object();
        root.putObject("import-methods")
                .put("description", "Import methods available.")
                .put("type", "array")
                .set("value", Json.strings(imports.methods()));
        return Response.ok(root);
    }

    private static Response stores() {
        ObjectNode root = Json.object();
        root.putArray("stores")
                .addObject()
                .put("id", STORE)
                .put("description", "Files of the region.")
                .put("default", "true");
        return Response.ok(root);
    }

    private Response tasksOfImage(Request request) {
        Actor actor = Actor.of(request);
        String id = request.pathParameter("id");
        List<ImageTask> found =
                database.read(
                        handle ->
                                ImageTasks.ofImage(
                                        handle,
                                        ImageAccess.own(handle, actor, id, "see the tasks of")));
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("tasks");
        found.forEach(task -> array.add(whole(task)));
        return Response.ok(root);
    }

    private Response tasks(Request request) {
        Query query = request.query();
        ListQuery page = request.list();
        ListSql sql = new ListSql(ImageTasks.SELECT, SORT_COLUMNS);
        query.first("status")
                .ifPresent(
                        status -> {
                            if (ImageTask.Status.of(status).isEmpty()) {
                                throw ApiException.badRequest(
                                        "Invalid status value: %s".formatted(status));
                            }
                            sql.where("status = ?", status);
                        });
        query.first("type")
                .filter(type -> !type.equals(TYPE))
                .ifPresent(
                        type -> {
                            throw ApiException.badRequest("Invalid type value: %s".formatted(type));
                        });
        Listed<ImageTask> found =
                database.read(
                        handle -> sql.page(handle, Pages.of(page), NEWEST_FIRST, ImageTasks::map));
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("tasks");
        found.rows().forEach(task -> array.add(brief(task)));
        root.put("first", "/v2/tasks");
        root.put("schema", "/v2/schemas/tasks");
        if (found.more()) {
            root.put("next", "/v2/tasks?" + query.with("marker", found.rows().getLast().id()));
        }
        return Response.ok(root);
    }

    private Response task(Request request) {
        String id = request.pathParameter("id");
        return database.read(handle -> ImageTasks.find(handle, id))
                .map(task -> Response.ok(whole(task)))
                .orElseThrow(() -> ApiException.notFound("No task found with ID %s".formatted(id)));
    }

    private static ObjectNode brief(ImageTask task) {
        ObjectNode view =
                Json.object()
                        .put("id", task.id())
                        .put("type", TYPE)
                        .put("status", task.status().text())
                        .put("owner", task.owner())
                        .put("created_at", Json.time(task.createdAt()))
                        .put("updated_at", Json.time(task.updatedAt()))
                        .put("self", "/v2/tasks/" + task.id())
                        .put("schema", "/v2/schemas/task");
        task.expiresAt().ifPresent(time -> view.put("expires_at", Json.time(time)));
        return view;
    }

    private static ObjectNode whole(ImageTask task) {
        ObjectNode view =
                brief(task)
                        .put("message", task.message())
                        .put("image_id", task.imageId())
                        .put("request_id", task.requestId())
                        .put("user_id", task.userId());
        view.set("input", Json.parse(task.input().getBytes(StandardCharsets.UTF_8)));
        ObjectNode result = view.putObject("result");
        if (task.status() == ImageTask.Status.SUCCESS) {
            result.put("image_id", task.imageId());
        }
        return view;
    }
}
