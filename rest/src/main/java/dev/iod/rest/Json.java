package dev.iod.rest;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Building, reading and writing JSON trees. */
public final class Json {
    private static final int MAX_DEPTH = 32;

    /** A tree has at most so many names and values; it takes about 100 bytes for each. */
    static final int MAX_TOKENS = 100_000;

    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxTokenCount(MAX_TOKENS)
                                                    .build())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();
    private static final DateTimeFormatter ISO_SECONDS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss'Z'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter ISO_MICROS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    private Json() {}

    /** A new empty object. */
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** A new empty array. */
    public static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    /** An array of strings in the given order. */
    public static ArrayNode strings(Collection<String> values) {
        ArrayNode array = array();
        values.forEach(array::add);
        return array;
    }

    /** An object of strings. */
    public static ObjectNode object(Map<String, String> values) {
        ObjectNode object = object();
        values.forEach(object::put);
        return object;
    }

    /** The properties of an object as text, in its order. */
    public static Map<String, String> map(JsonNode object) {
        Map<String, String> map = new LinkedHashMap<>();
        object.propertyStream().forEach(e -> map.put(e.getKey(), e.getValue().asString()));
        return map;
    }

    /** The same of an object of strings that was stored. */
    public static Map<String, String> map(String stored) {
        return map(parse(stored.getBytes(StandardCharsets.UTF_8)));
    }

    /** Puts a string, or JSON null when there is none. */
    public static ObjectNode put(ObjectNode object, String name, Optional<String> value) {
        if (value.isPresent()) {
            object.put(name, value.get());
        } else {
            object.putNull(name);
        }
        return object;
    }

    /** UTC with seconds, as Nova and Neutron write times: {@code 2026-11-22T12:00:00Z}. */
    public static String time(Instant instant) {
        return ISO_SECONDS.format(instant);
    }

    /** UTC with microseconds, as Keystone writes times: {@code 2026-11-22T12:00:00.000000Z}. */
    public static String timeMicros(Instant instant) {
        return ISO_MICROS.format(instant);
    }

    /**
     * Parses one JSON value.
     *
     * @throws ApiException 400 when it is not JSON, is nested deeper than 32, has more than 100,000
     *     tokens, repeats a property, is followed by more text, or has text that is not Unicode or
     *     has a NUL, which the database could not store
     */
    public static JsonNode parse(byte[] text) {
        try {
            JsonNode tree = MAPPER.readTree(text);
            check(tree);
            return tree;
        } catch (JacksonException e) {
            throw new ApiException(
                    Fault.BAD_REQUEST,
                    "Malformed request body: the body is not JSON ("
                            + e.getOriginalMessage()
                            + ").",
                    e);
        }
    }

    /** Whether every surrogate of a text has its other half, and no character is NUL. */
    static boolean storable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0 || Character.isLowSurrogate(c)) {
                return false;
            }
            if (Character.isHighSurrogate(c)) {
                i++;
                if (i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return false;
                }
            }
        }
        return true;
    }

    private static void check(JsonNode node) {
        switch (node) {
            case StringNode text -> check(text.stringValue());
            case ObjectNode object -> {
                object.propertyNames().forEach(Json::check);
                object.values().forEach(Json::check);
            }
            case ArrayNode array -> array.values().forEach(Json::check);
            default -> {
                // Numbers and constants.
            }
        }
    }

    private static void check(String text) {
        if (!storable(text)) {
            throw ApiException.badRequest(
                    "Malformed request body: a text has a NUL or half a surrogate pair.");
        }
    }

    /** The compact text of a tree. */
    public static byte[] bytes(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /** The compact text of a tree. */
    public static String text(JsonNode node) {
        return MAPPER.writeValueAsString(node);
    }
}
