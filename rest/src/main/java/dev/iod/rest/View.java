package dev.iod.rest;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The shape of one resource in every microversion, as data: a row per field says since and until
 * which minor version the field is there, who sees it and where its value comes from. Rendering is
 * one loop, so a shape can be read off the table and tested against Nova's published schemas.
 *
 * @param <T> what is shown
 */
public record View<T>(List<Field<T>> fields) {
    public View {
        fields = List.copyOf(fields);
    }

    private static final DateTimeFormatter NAIVE =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS").withZone(ZoneOffset.UTC);

    /** No upper bound. */
    public static final int FOREVER = Integer.MAX_VALUE;

    /** Who sees a field. */
    public enum Audience {
        EVERYBODY,
        ADMIN
    }

    /**
     * What a view may look at beside the resource.
     *
     * @param minor the minor number of the negotiated version, such as 61 of 2.61
     * @param admin whether the caller is an administrator
     * @param root the service's address, for links
     */
    public record Scope(int minor, boolean admin, String root) {}

    public record Field<T>(
            String name,
            int since,
            int until,
            Audience audience,
            BiFunction<T, Scope, JsonNode> value) {

        boolean visible(Scope scope) {
            return since <= scope.minor()
                    && scope.minor() <= until
                    && (audience == Audience.EVERYBODY || scope.admin());
        }
    }

    public static <T> Field<T> field(String name, BiFunction<T, Scope, JsonNode> value) {
        return new Field<>(name, 0, FOREVER, Audience.EVERYBODY, value);
    }

    public static <T> Field<T> since(int minor, String name, BiFunction<T, Scope, JsonNode> value) {
        return new Field<>(name, minor, FOREVER, Audience.EVERYBODY, value);
    }

    /** A field up to and including a minor version. */
    public static <T> Field<T> until(int minor, String name, BiFunction<T, Scope, JsonNode> value) {
        return new Field<>(name, 0, minor, Audience.EVERYBODY, value);
    }

    public static <T> Field<T> between(
            int since, int until, String name, BiFunction<T, Scope, JsonNode> value) {
        return new Field<>(name, since, until, Audience.EVERYBODY, value);
    }

    public static <T> Field<T> admin(int since, String name, BiFunction<T, Scope, JsonNode> value) {
        return new Field<>(name, since, FOREVER, Audience.ADMIN, value);
    }

    /** This view with only the named fields; every name must exist. */
    public View<T> only(String... names) {
        Set<String> wanted = Set.of(names);
        Set<String> known = fields.stream().map(Field::name).collect(Collectors.toSet());
        if (!known.containsAll(wanted)) {
            throw new IllegalArgumentException("no such field among " + wanted);
        }
        return new View<>(fields.stream().filter(f -> wanted.contains(f.name())).toList());
    }

    /** This view with one more field at its end. */
    public View<T> with(Field<T> field) {
        return new View<>(Stream.concat(fields.stream(), Stream.of(field)).toList());
    }

    /** This view where the fields of that name begin in {@code minor} at the earliest. */
    public View<T> notBefore(int minor, Predicate<String> name) {
        return new View<>(
                fields.stream()
                        .map(
                                f ->
                                        name.test(f.name())
                                                ? new Field<>(
                                                        f.name(),
                                                        Math.max(minor, f.since()),
                                                        f.until(),
                                                        f.audience(),
                                                        f.value())
                                                : f)
                        .toList());
    }

    /** The resource's answer; a field whose value is missing is left out of this one. */
    public ObjectNode render(T resource, Scope scope) {
        ObjectNode out = Json.object();
        for (Field<T> field : fields) {
            if (field.visible(scope)) {
                JsonNode value = field.value().apply(resource, scope);
                if (!value.isMissingNode()) {
                    out.set(field.name(), value);
                }
            }
        }
        return out;
    }

    public static JsonNode text(String value) {
        return JsonNodeFactory.instance.stringNode(value);
    }

    /** A time without a zone, or JSON null. */
    public static JsonNode naiveTime(Optional<Instant> time) {
        return time.map(View::naiveTime).orElseGet(View::nothing);
    }

    /** A string or JSON null. */
    public static JsonNode text(Optional<String> value) {
        return value.map(View::text).orElseGet(JsonNodeFactory.instance::nullNode);
    }

    /** Python's text of a time without a zone (UTC), which Nova has in some fields. */
    public static JsonNode naiveTime(Instant time) {
        return text(NAIVE.format(time));
    }

    public static JsonNode number(long value) {
        return JsonNodeFactory.instance.numberNode(value);
    }

    public static JsonNode number(double value) {
        return JsonNodeFactory.instance.numberNode(value);
    }

    public static JsonNode truth(boolean value) {
        return JsonNodeFactory.instance.booleanNode(value);
    }

    public static JsonNode nothing() {
        return JsonNodeFactory.instance.nullNode();
    }

    /** Leaves the field out of this one answer. */
    public static JsonNode absent() {
        return JsonNodeFactory.instance.missingNode();
    }
}
