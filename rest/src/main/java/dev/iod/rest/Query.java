package dev.iod.rest;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The parameters of a URL in their order; each may occur several times. */
public final class Query {
    private static final int MAX_PARAMETERS = 256;

    private final Map<String, List<String>> values;

    private Query(Map<String, List<String>> values) {
        this.values = values;
    }

    /**
     * Parses the part of a URL after the question mark.
     *
     * @throws ApiException 400 for a malformed escape or more than 256 parameters
     */
    public static Query parse(String raw) {
        Map<String, List<String>> values = new LinkedHashMap<>();
        if (raw.isEmpty()) {
            return new Query(values);
        }
        String[] parts = raw.split("&", MAX_PARAMETERS + 1);
        if (parts.length > MAX_PARAMETERS) {
            throw ApiException.badRequest("The query has more than 256 parameters.");
        }
        for (String part : parts) {
            if (!part.isEmpty()) {
                int equals = part.indexOf('=');
                String name = decode(equals < 0 ? part : part.substring(0, equals));
                String value = equals < 0 ? "" : decode(part.substring(equals + 1));
                values.computeIfAbsent(name, ignored -> new ArrayList<>()).add(value);
            }
        }
        return new Query(values);
    }

    /** The first value of a parameter. */
    public Optional<String> first(String name) {
        return all(name).stream().findFirst();
    }

    /** All values of a parameter. */
    public List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** The names in their order. */
    public Set<String> names() {
        return values.keySet();
    }

    /** A true/false parameter in the spellings OpenStack takes. */
    public Optional<Boolean> flag(String name) {
        return first(name).map(value -> parseFlag(name, value));
    }

    /** The text of a query with one parameter replaced, for links to the next page. */
    public String with(String name, String value) {
        StringBuilder text = new StringBuilder();
        values.forEach(
                (key, all) -> {
                    if (!key.equals(name)) {
                        all.forEach(one -> append(text, key, one));
                    }
                });
        append(text, name, value);
        return text.toString();
    }

    private static boolean parseFlag(String name, String value) {
        return switch (value.toLowerCase(java.util.Locale.ROOT)) {
            case "", "true", "1", "yes", "on", "t", "y" -> true;
            case "false", "0", "no", "off", "f", "n" -> false;
            default ->
                    throw ApiException.badRequest(
                            "Invalid input for %s. Value: %s. It must be true or false."
                                    .formatted(name, value));
        };
    }

    private static void append(StringBuilder text, String name, String value) {
        text.append(text.isEmpty() ? "" : "&")
                .append(URLEncoder.encode(name, StandardCharsets.UTF_8))
                .append('=')
                .append(URLEncoder.encode(value, StandardCharsets.UTF_8));
    }

    private static String decode(String text) {
        return unescape(text.replace('+', ' '));
    }

    /**
     * The text that an escaped part of a URL stands for.
     *
     * @throws ApiException 400 when an escape is malformed, stands for NUL or is not UTF-8
     */
    static String unescape(String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
        for (int at = 0; at < text.length(); ) {
            int escape = text.indexOf('%', at);
            int end = escape < 0 ? text.length() : escape;
            bytes.writeBytes(text.substring(at, end).getBytes(StandardCharsets.UTF_8));
            at = end;
            if (escape >= 0) {
                bytes.write(escaped(text, escape));
                at += 3;
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ApiException(Fault.BAD_REQUEST, "The URL is not UTF-8.", e);
        }
    }

    private static int escaped(String text, int at) {
        int value =
                at + 3 > text.length()
                        ? -1
                        : Character.digit(text.charAt(at + 1), 16) * 16
                                + Character.digit(text.charAt(at + 2), 16);
        if (value < 0
                || Character.digit(text.charAt(at + 1), 16) < 0
                || Character.digit(text.charAt(at + 2), 16) < 0) {
            throw ApiException.badRequest("The URL has a malformed escape.");
        }
        if (value == 0) {
            throw ApiException.badRequest("The URL contains a NUL character.");
        }
        return value;
    }
}
