package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the attributes of images from requests: whole (create) and as JSON patch (update). */
final class ImageAttributes {
    static final List<String> DISK_FORMATS =
            List.of(
                    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop",
                    "iso");
    static final List<String> CONTAINER_FORMATS =
            List.of("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed");

    /** What only the service sets. */
    private static final Set<String> READ_ONLY =
            Set.of(
                    "status",
                    "size",
                    "virtual_size",
                    "checksum",
                    "os_hash_algo",
                    "os_hash_value",
                    "created_at",
                    "updated_at",
                    "self",
                    "file",
                    "schema",
                    "direct_url",
                    "locations",
                    "stores",
                    "id",
                    "owner");

    /** Begins the names of what Glance itself notes of an image. */
    private static final String RESERVED = "os_glance_";

    private static final List<String> VERBS = List.of("add", "remove", "replace");

    private static final int MAX_PROPERTIES = 128;

    /** Names and values of all properties together, in UTF-8. */
    static final int MAX_PROPERTIES_BYTES = 64 << 10;

    private static final int MAX_TAGS = 128;
    private static final int MAX_TEXT = 255;
    private static final int MAX_VALUE = 65_535;
    private static final int MAX_OPERATIONS = 256;

    private ImageAttributes() {}

    /** ImageAttributes of a new image; {@code id} and {@code owner} have been taken out already. */
    static Image.Attributes read(Fields body) {
        for (String name : body.names()) {
            if (READ_ONLY.contains(name) && !name.equals("id") && !name.equals("owner")) {
                throw ApiException.forbidden("Attribute '%s' is read-only.".formatted(name));
            }
            requireFree(name);
        }
        Image.Attributes base =
                new Image.Attributes(
                        body.optionalString("name", MAX_TEXT).orElse(""),
                        body.optionalString("visibility", MAX_TEXT)
                                .map(ImageAttributes::visibility)
                                .orElse(Image.Visibility.SHARED),
                        body.optionalBoolean("protected").orElse(false),
                        body.optionalBoolean("os_hidden").orElse(false),
                        format(body, "disk_format", DISK_FORMATS),
                        format(body, "container_format", CONTAINER_FORMATS),
                        body.optionalInteger("min_disk", 0, Integer.MAX_VALUE).orElse(0L),
                        body.optionalInteger("min_ram", 0, Integer.MAX_VALUE).orElse(0L),
                        tags(body.optionalStrings("tags", MAX_TAGS, MAX_TEXT).orElse(List.of())),
                        Map.of());
        Map<String, String> free = new TreeMap<>();
        for (String name : body.names()) {
            if (!FIXED.contains(name) && !READ_ONLY.contains(name)) {
                body.optionalString(name, MAX_VALUE).ifPresent(value -> free.put(name, value));
            }
        }
        checkProperties(free);
        body.end();
        return withProperties(base, free);
    }

    private static final Set<String> FIXED =
            Set.of(
                    "name",
                    "visibility",
                    "protected",
                    "os_hidden",
                    "disk_format",
                    "container_format",
                    "min_disk",
                    "min_ram",
                    "tags");

    /**
     * Applies {@code application/openstack-images-v2.1-json-patch}: RFC 6902's add, remove and
     * replace on paths of one segment.
     */
    static Image.Attributes patch(Image.Attributes old, JsonNode patch) {
        if (!patch.isArray() || patch.size() > MAX_OPERATIONS) {
            throw ApiException.badRequest(
                    "Request body must be a JSON array of operation objects.");
        }
        ObjectNode flat = flat(old);
        for (JsonNode node : patch.values()) {
            Fields operation = Fields.of(node, "operation", ImageDialect.DIALECT);
            String verb = operation.string("op", 1, MAX_TEXT);
            String name = name(operation.string("path", 2, MAX_TEXT + 1));
            if (READ_ONLY.contains(name)) {
                throw ApiException.forbidden("Attribute '%s' is read-only.".formatted(name));
            }
            requireFree(name);
            switch (verb) {
                case "add" -> flat.set(name, operation.node("value"));
                case "replace" -> {
                    requirePresent(flat, name);
                    flat.set(name, operation.node("value"));
                }
                case "remove" -> {
                    requirePresent(flat, name);
                    if (FIXED.contains(name)) {
                        throw ApiException.forbidden(
                                "Property %s may not be removed.".formatted(name));
                    }
                    flat.remove(name);
                }
                default ->
                        throw ApiException.badRequest(
                                "Operations must be one of add, remove, replace; not '%s'."
                                        .formatted(verb));
            }
            operation.end();
        }
        return read(Fields.of(flat, "image", ImageDialect.DIALECT));
    }

    /**
     * The patch that one of {@code application/openstack-images-v2.0-json-patch} stands for: there,
     * the verb is the name of the path.
     */
    static JsonNode fromOldPatch(JsonNode patch) {
        if (!patch.isArray()) {
            return patch; // refused with the words for both
        }
        ArrayNode operations = Json.array();
        for (JsonNode node : patch.values()) {
            List<String> verbs = VERBS.stream().filter(node::has).toList();
            if (verbs.size() != 1) {
                throw ApiException.badRequest(
                        "Operation objects must contain only one member named \"add\", \"remove\","
                                + " or \"replace\".");
            }
            ObjectNode operation = ((ObjectNode) node).deepCopy();
            operation.put("op", verbs.getFirst());
            operation.set("path", operation.remove(verbs.getFirst()));
            operations.add(operation);
        }
        return operations;
    }

    private static void requireFree(String name) {
        if (name.startsWith(RESERVED)) {
            throw ApiException.forbidden("Attribute '%s' is reserved.".formatted(name));
        }
    }

    static Image.Attributes withTags(Image.Attributes old, List<String> tags) {
        return new Image.Attributes(
                old.name(),
                old.visibility(),
                old.isProtected(),
                old.hidden(),
                old.diskFormat(),
                old.containerFormat(),
                old.minDiskGib(),
                old.minRamMib(),
                tags(tags),
                old.properties());
    }

    /** Properties that say something of one image alone. */
    private static final Set<String> NOT_INHERITED =
            Set.of(
                    "cache_in_nova",
                    "bittorrent",
                    "signature_verified",
                    "stores",
                    "os_hidden",
                    "image_type",
                    "backup_type",
                    "instance_uuid");

    /** What images that are made of an image's servers and volumes have of its properties. */
    static Map<String, String> inherited(Map<String, String> properties) {
        return properties.entrySet().stream()
                .filter(e -> !NOT_INHERITED.contains(e.getKey()))
                .filter(e -> !e.getKey().startsWith("img_signature"))
                .filter(e -> !e.getKey().startsWith(RESERVED))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /**
     * An image that waits for that upload.
     *
     * @throws ApiException 400, 403 and 413 as for requests to make one
     */
    static Image ofCapture(
            Actor actor, Images.NewImage wanted, String id, UUID upload, Instant now) {
        for (String name : wanted.properties().keySet()) {
            requireFree(name);
            if (FIXED.contains(name) || READ_ONLY.contains(name)) {
                throw ApiException.badRequest(
                        "An image's attribute %s is no property.".formatted(name));
            }
        }
        checkProperties(wanted.properties());
        if (!CONTAINER_FORMATS.contains(wanted.containerFormat())) {
            throw ApiException.badRequest(
                    "Invalid container format '%s' for image.".formatted(wanted.containerFormat()));
        }
        Image.Visibility visibility = visibility(wanted.visibility());
        ImageService.checkVisibility(actor, visibility);
        return new Image(
                id,
                wanted.owner(),
                Image.Status.SAVING,
                new Image.Attributes(
                        wanted.name(),
                        visibility,
                        wanted.isProtected(),
                        false,
                        Optional.of(DiskFormat.RAW.text()),
                        Optional.of(wanted.containerFormat()),
                        wanted.minDiskGib(),
                        wanted.minRamMib(),
                        List.of(),
                        wanted.properties()),
                Optional.empty(),
                Optional.of(upload.toString()),
                Optional.empty(),
                now,
                now);
    }

    /** The attributes as the flat object that Glance shows and patches. */
    static ObjectNode flat(Image.Attributes attributes) {
        ObjectNode flat = Json.object();
        attributes.properties().forEach(flat::put);
        flat.put("name", attributes.name());
        Json.put(flat, "disk_format", attributes.diskFormat());
        Json.put(flat, "container_format", attributes.containerFormat());
        flat.put("visibility", attributes.visibility().text());
        flat.put("protected", attributes.isProtected());
        flat.put("os_hidden", attributes.hidden());
        flat.put("min_disk", attributes.minDiskGib());
        flat.put("min_ram", attributes.minRamMib());
        flat.set("tags", Json.strings(attributes.tags()));
        return flat;
    }

    static Image.Visibility visibility(String text) {
        return switch (text) {
            case "public" -> Image.Visibility.PUBLIC;
            case "private" -> Image.Visibility.PRIVATE;
            case "shared" -> Image.Visibility.SHARED;
            case "community" -> Image.Visibility.COMMUNITY;
            default ->
                    throw ApiException.badRequest(
                            "Provided object does not match schema 'image': %s is not one of ['community', 'public', 'private', 'shared']."
                                    .formatted(text));
        };
    }

    private static Image.Attributes withProperties(
            Image.Attributes old, Map<String, String> properties) {
        return new Image.Attributes(
                old.name(),
                old.visibility(),
                old.isProtected(),
                old.hidden(),
                old.diskFormat(),
                old.containerFormat(),
                old.minDiskGib(),
                old.minRamMib(),
                old.tags(),
                properties);
    }

    private static Optional<String> format(Fields body, String name, List<String> known) {
        Optional<String> format = body.optionalString(name, MAX_TEXT);
        if (format.isPresent() && !known.contains(format.get())) {
            throw ApiException.badRequest(
                    "Invalid %s '%s': it must be one of %s."
                            .formatted(name, format.get(), String.join(", ", known)));
        }
        return format.map(text -> text.toLowerCase(Locale.ROOT));
    }

    private static List<String> tags(List<String> tags) {
        Set<String> distinct = new LinkedHashSet<>(tags);
        if (distinct.size() > MAX_TAGS) {
            throw ApiException.badRequest("An image may have at most %d tags.".formatted(MAX_TAGS));
        }
        return List.copyOf(distinct);
    }

    private static void checkProperties(Map<String, String> properties) {
        if (properties.size() > MAX_PROPERTIES) {
            throw ApiException.badRequest(
                    "An image may have at most %d properties.".formatted(MAX_PROPERTIES));
        }
        long bytes = 0;
        for (Map.Entry<String, String> one : properties.entrySet()) {
            bytes += one.getKey().getBytes(StandardCharsets.UTF_8).length;
            bytes += one.getValue().getBytes(StandardCharsets.UTF_8).length;
        }
        if (bytes > MAX_PROPERTIES_BYTES) {
            throw new ApiException(
                    Fault.TOO_LARGE,
                    "The properties of an image may have at most %d bytes in all; these have %d."
                            .formatted(MAX_PROPERTIES_BYTES, bytes));
        }
        for (String name : properties.keySet()) {
            if (name.isEmpty() || name.length() > MAX_TEXT || name.indexOf('\0') >= 0) {
                throw ApiException.badRequest("A property's name has 1 to 255 characters.");
            }
        }
    }

    private static String name(String pointer) {
        // RFC 6901: ~1 is a slash, ~0 a tilde, in this order.
        if (!pointer.startsWith("/") || pointer.indexOf('/', 1) >= 0) {
            throw ApiException.badRequest(
                    "The path '%s' is not '/' and one name.".formatted(pointer));
        }
        return pointer.substring(1).replace("~1", "/").replace("~0", "~");
    }

    private static void requirePresent(ObjectNode flat, String name) {
        if (!flat.has(name)) {
            throw ApiException.conflict("Property %s does not exist.".formatted(name));
        }
    }
}
