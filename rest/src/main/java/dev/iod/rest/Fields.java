package dev.iod.rest;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object of a request, read strictly: each property is asked for by name and type, and
 * {@link #end()} refuses what nobody asked for. A JSON null counts as absent for the {@code
 * optional…} readers; {@link #has} and {@link #isNull} tell the difference where it matters (an
 * update). Every reader throws {@link ApiException} 400 in the words of the service.
 */
public final class Fields {
    private static final Set<String> TRUE = Set.of("1", "t", "true", "on", "y", "yes");
    private static final Set<String> FALSE = Set.of("0", "f", "false", "off", "n", "no");

    private final ObjectNode object;
    private final Dialect dialect;
    private final Set<String> read = new HashSet<>();

    private Fields(ObjectNode object, Dialect dialect) {
        this.object = object;
        this.dialect = dialect;
    }

    /** Reads a node that must be an object; {@code what} names it in the error. */
    public static Fields of(JsonNode node, String what, Dialect dialect) {
        if (node instanceof ObjectNode object) {
            return new Fields(object, dialect);
        }
        throw ApiException.badRequest(dialect.invalid(what, Json.text(node), "of type 'object'"));
    }

    /** Whether the property is there, JSON null included. Marks it as read. */
    public boolean has(String name) {
        read.add(name);
        return object.has(name);
    }

    /** Whether the property is there and is JSON null. Marks it as read. */
    public boolean isNull(String name) {
        read.add(name);
        JsonNode node = object.get(name);
        return node != null && node.isNull();
    }

    /** The names of all properties, in the order of the request. */
    public List<String> names() {
        return List.copyOf(object.propertyNames());
    }

    /** Any value, or empty when absent or null. */
    public Optional<JsonNode> optionalNode(String name) {
        read.add(name);
        JsonNode node = object.get(name);
        return node == null || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    /** Any value; 400 when absent or null. */
    public JsonNode node(String name) {
        return optionalNode(name).orElseThrow(() -> missing(name));
    }

    /** A string, or empty when absent or null. */
    public Optional<String> optionalString(String name, int maxLength) {
        return optionalNode(name).map(node -> text(name, node, 0, maxLength));
    }

    /** A string of {@code minLength} to {@code maxLength} characters. */
    public String string(String name, int minLength, int maxLength) {
        return text(name, node(name), minLength, maxLength);
    }

    /** A boolean, also as a text or a number in the ways OpenStack's services take, or empty. */
    public Optional<Boolean> optionalBoolean(String name) {
        return optionalNode(name)
                .map(
                        node -> {
                            if (node.isBoolean()) {
                                return node.booleanValue();
                            }
                            String text =
                                    node.isString() || node.isIntegralNumber()
                                            ? node.asString().strip().toLowerCase(Locale.ROOT)
                                            : "";
                            if (TRUE.contains(text)) {
                                return true;
                            }
                            if (FALSE.contains(text)) {
                                return false;
                            }
                            throw invalid(name, node, "of type 'boolean'");
                        });
    }

    /** An integer within the bounds (decimal strings are taken too), or empty. */
    public Optional<Long> optionalInteger(String name, long min, long max) {
        return optionalNode(name).map(node -> integer(name, node, min, max));
    }

    /** An integer within the bounds. */
    public long integer(String name, long min, long max) {
        return integer(name, node(name), min, max);
    }

    /** An object, or empty when absent or null. */
    public Optional<Fields> optionalObject(String name) {
        return optionalNode(name).map(node -> of(node, name, dialect));
    }

    /** An object. */
    public Fields object(String name) {
        return of(node(name), name, dialect);
    }

    /** The elements of an array of at most {@code maxSize}, or empty when absent or null. */
    public Optional<List<JsonNode>> optionalArray(String name, int maxSize) {
        return optionalNode(name).map(node -> elements(name, node, maxSize));
    }

    /** The elements of an array of strings, or empty when absent or null. */
    public Optional<List<String>> optionalStrings(String name, int maxSize, int maxLength) {
        return optionalArray(name, maxSize)
                .map(nodes -> nodes.stream().map(node -> text(name, node, 0, maxLength)).toList());
    }

    /** The elements of an array of objects, or empty when absent or null. */
    public Optional<List<Fields>> optionalObjects(String name, int maxSize) {
        return optionalArray(name, maxSize)
                .map(nodes -> nodes.stream().map(node -> of(node, name, dialect)).toList());
    }

    /** Refuses properties that nobody read. */
    public void end() {
        List<String> unknown = new ArrayList<>();
        for (String name : object.propertyNames()) {
            if (!read.contains(name)) {
                unknown.add(name);
            }
        }
        if (!unknown.isEmpty()) {
            throw ApiException.badRequest(dialect.unknownProperties(unknown));
        }
    }

    /** The error for a value of the wrong shape, in the service's words. */
    public ApiException invalid(String name, JsonNode value, String expected) {
        return ApiException.badRequest(dialect.invalid(name, Json.text(value), expected));
    }

    private ApiException missing(String name) {
        return ApiException.badRequest(
                "Invalid input for field/attribute %s: '%s' is a required property"
                        .formatted(name, name));
    }

    private String text(String name, JsonNode node, int minLength, int maxLength) {
        if (!node.isString()) {
            throw invalid(name, node, "of type 'string'");
        }
        String value = node.stringValue();
        if (value.length() < minLength || value.length() > maxLength) {
            throw invalid(
                    name, node, "a string of %d to %d characters".formatted(minLength, maxLength));
        }
        return value;
    }

    private long integer(String name, JsonNode node, long min, long max) {
        String expected = "an integer from %d to %d".formatted(min, max);
        long value;
        if (node.isIntegralNumber() && node.canConvertToLong()) {
            value = node.longValue();
        } else if (node.isString() && node.stringValue().matches("-?[0-9]{1,18}")) {
            value = Long.parseLong(node.stringValue());
        } else {
            throw invalid(name, node, expected);
        }
        if (value < min || value > max) {
            throw invalid(name, node, expected);
        }
        return value;
    }

    private List<JsonNode> elements(String name, JsonNode node, int maxSize) {
        if (!node.isArray() || node.size() > maxSize) {
            throw invalid(name, node, "an array of at most %d elements".formatted(maxSize));
        }
        return List.copyOf(node.values());
    }
}
