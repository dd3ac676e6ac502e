package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2/schemas}: what clients such as glanceclient read before anything else. */
final class ImageSchemas {
    private static final List<String> TEXT =
            List.of(
                    "id",
                    "name",
                    "owner",
                    "status",
                    "visibility",
                    "disk_format",
                    "container_format");
    private static final List<String> READ_ONLY_TEXT =
            List.of(
                    "checksum",
                    "os_hash_algo",
                    "os_hash_value",
                    "created_at",
                    "updated_at",
                    "stores",
                    "self",
                    "file",
                    "schema");
    private static final List<String> READ_ONLY_NUMBERS = List.of("size", "virtual_size");
    private static final List<String> NUMBERS = List.of("min_disk", "min_ram");
    private static final List<String> FLAGS = List.of("protected", "os_hidden");

    private ImageSchemas() {}

    static List<Route> routes() {
        return List.of(Route.get("/v2/schemas/{name}", ImageSchemas::show).may(Rule.READER));
    }

    private static Response show(Request request) {
        String name = request.pathParameter("name");
        return Response.ok(
                switch (name) {
                    case "image" -> image();
                    case "images" -> list("images", image());
                    case "member" -> member();
                    case "members" -> list("members", member());
                    case "task" -> task();
                    case "tasks" -> list("tasks", task());
                    default -> throw ApiException.notFound("There is no schema " + name + ".");
                });
    }

    private static ObjectNode image() {
        ObjectNode schema = Json.object().put("name", "image");
        ObjectNode properties = schema.putObject("properties");
        TEXT.forEach(name -> properties.set(name, type("string", false)));
        READ_ONLY_TEXT.forEach(name -> properties.set(name, type("string", true)));
        NUMBERS.forEach(name -> properties.set(name, type("integer", false)));
        READ_ONLY_NUMBERS.forEach(name -> properties.set(name, type("integer", true)));
        FLAGS.forEach(name -> properties.putObject(name).put("type", "boolean"));
        properties
                .withObject("disk_format")
                .set("enum", Json.strings(ImageAttributes.DISK_FORMATS));
        properties
                .withObject("container_format")
                .set("enum", Json.strings(ImageAttributes.CONTAINER_FORMATS));
        properties
                .withObject("visibility")
                .set("enum", Json.strings(List.of("community", "public", "private", "shared")));
        properties
                .putObject("tags")
                .put("type", "array")
                .putObject("items")
                .put("type", "string")
                .put("maxLength", 255);
        schema.putObject("additionalProperties").put("type", "string");
        return schema;
    }

    private static ObjectNode member() {
        ObjectNode schema = Json.object().put("name", "member");
        ObjectNode properties = schema.putObject("properties");
        List.of("image_id", "member_id", "status", "created_at", "updated_at", "schema")
                .forEach(name -> properties.putObject(name).put("type", "string"));
        properties
                .withObject("status")
                .set("enum", Json.strings(List.of("pending", "accepted", "rejected")));
        return schema;
    }

    private static ObjectNode task() {
        ObjectNode schema = Json.object().put("name", "task");
        ObjectNode properties = schema.putObject("properties");
        List.of(
                        "id",
                        "type",
                        "owner",
                        "message",
                        "image_id",
                        "request_id",
                        "user_id",
                        "expires_at",
                        "created_at",
                        "updated_at",
                        "self",
                        "schema")
                .forEach(name -> properties.putObject(name).put("type", "string"));
        List.of("input", "result")
                .forEach(name -> properties.putObject(name).put("type", "object"));
        properties
                .putObject("status")
                .put("type", "string")
                .set("enum", Json.strings(List.of("pending", "processing", "success", "failure")));
        return schema;
    }

    private static ObjectNode list(String name, ObjectNode items) {
        ObjectNode schema = Json.object().put("name", name);
        ObjectNode properties = schema.putObject("properties");
        properties.putObject(name).put("type", "array").set("items", items);
        List.of("first", "next", "schema")
                .forEach(link -> properties.putObject(link).put("type", "string"));
        return schema;
    }

    private static ObjectNode type(String name, boolean readOnly) {
        ObjectNode type = Json.object();
        type.putArray("type").add("null").add(name);
        if (readOnly) {
            type.put("readOnly", true);
        }
        return type;
    }
}
