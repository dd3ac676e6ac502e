package dev.iod.rest;

import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * JSON as Python prints it, because Nova's error texts quote the offending value that way.
 *
 * <p>The text is cut at {@link #MAX_CHARS}: an error must not send a large body back.
 */
public final class PythonText {
    public static final int MAX_CHARS = 400;

    private PythonText() {}

    /** As {@code str(value)}: a string is bare. */
    public static String str(JsonNode value) {
        return cut(value.isString() ? value.stringValue() : full(value));
    }

    /** As {@code repr(value)}: a string is in quotes. */
    public static String repr(JsonNode value) {
        return cut(full(value));
    }

    public static String strings(List<String> values) {
        return values.stream().map(PythonText::quoted).collect(Collectors.joining(", ", "[", "]"));
    }

    private static String full(JsonNode value) {
        return switch (value.getNodeType()) {
            case NULL, MISSING -> "None";
            case BOOLEAN -> value.booleanValue() ? "True" : "False";
            case STRING -> quoted(value.stringValue());
            case ARRAY ->
                    value.valueStream()
                            .limit(MAX_CHARS)
                            .map(PythonText::full)
                            .collect(Collectors.joining(", ", "[", "]"));
            case OBJECT ->
                    value.propertyStream()
                            .limit(MAX_CHARS)
                            .map(e -> quoted(e.getKey()) + ": " + full(e.getValue()))
                            .collect(Collectors.joining(", ", "{", "}"));
            case NUMBER, BINARY, POJO -> value.asString();
        };
    }

    private static String quoted(String text) {
        String short_ = text.length() > MAX_CHARS ? text.substring(0, MAX_CHARS) : text;
        return short_.indexOf('\'') >= 0 && short_.indexOf('"') < 0
                ? '"' + short_ + '"'
                : "'" + short_.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'";
    }

    private static String cut(String text) {
        return text.length() <= MAX_CHARS ? text : text.substring(0, MAX_CHARS) + "…";
    }
}
