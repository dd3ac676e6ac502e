package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Query;
import dev.iod.rest.Request;
import dev.iod.store.Where;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which volumes a list has. Filters for everybody are those of Cinder's {@code
 * query_volume_filters}; others are for administrators, and ignored for whom they are not.
 */
final class VolumeFilters {
    private static final String QUOTED = "(?:'([^']*)'|\"([^\"]*)\")";

    /** A pair of Python's text of a dictionary of strings, as clients send it. */
    private static final Pattern PAIR =
            Pattern.compile("\\s*u?" + QUOTED + "\\s*:\\s*u?" + QUOTED + "\\s*(,|$)");

    private static final int BOOTABLE_STRICT_SINCE = 2;
    private static final int GLANCE_METADATA_SINCE = 4;

    private VolumeFilters() {}

    /** The rows that a request may see when it names one. */
    static Where visible(Request request) {
        return request.caller().isAdmin()
                ? Where.ALL
                : Where.of("project_id = ?", request.caller().projectId());
    }

    static Where listed(Request request) {
        Query query = request.query();
        Where where = projects(request);
        for (String column : List.of("name", "status")) {
            Optional<String> value = query.first(column);
            if (value.isPresent()) {
                where = where.and(column + " = ?", value.get());
            }
        }
        Optional<String> zone = query.first("availability_zone");
        if (zone.filter(name -> !name.equals(VolumeView.ZONE)).isPresent()) {
            where = where.and("false");
        }
        Optional<String> bootable = query.first("bootable");
        if (bootable.isPresent()) {
            where = where.and("bootable = ?", truth(request, bootable.get()));
        }
        Optional<String> metadata = query.first("metadata");
        if (metadata.isPresent()) {
            where =
                    where.and(
                            "metadata @> CAST(? AS jsonb)",
                            Json.text(Json.object(dictionary(metadata.get()))));
        }
        Optional<String> ofImage = query.first("glance_metadata");
        if (request.microversion().since(3, GLANCE_METADATA_SINCE) && ofImage.isPresent()) {
            where =
                    where.and(
                            "image_metadata @> CAST(? AS jsonb)",
                            Json.text(Json.object(dictionary(ofImage.get()))));
        }
        return request.caller().isAdmin() ? ofAdministrators(query, where) : where;
    }

    static Where projects(Request request) {
        Query query = request.query();
        boolean all = request.caller().isAdmin() && query.flag("all_tenants").orElse(false);
        if (!all) {
            return Where.of("project_id = ?", request.caller().projectId());
        }
        return query.first("project_id")
                .map(project -> Where.of("project_id = ?", project))
                .orElse(Where.ALL);
    }

    private static Where ofAdministrators(Query query, Where where) {
        Where more = where;
        Optional<String> user = query.first("user_id");
        if (user.isPresent()) {
            more = more.and("user_id = ?", user.get());
        }
        Optional<String> host = query.first("host");
        if (host.isPresent()) {
            more = more.and("node = ?", Hosts.node(host.get()));
        }
        for (String column : List.of("id", "volume_type_id")) {
            Optional<String> value = query.first(column);
            if (value.isPresent()) {
                String name = column.equals("id") ? "id" : "type_id";
                more =
                        Formats.uuid(value.get()).isPresent()
                                ? more.and(name + " = ?", Formats.uuid(value.get()).get())
                                : more.and("false");
            }
        }
        return more;
    }

    private static boolean truth(Request request, String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "1", "t", "yes", "on", "y" -> true;
            case "false", "0", "f", "no", "off", "n" -> false;
            default -> {
                if (request.microversion().since(3, BOOTABLE_STRICT_SINCE)) {
                    throw ApiException.badRequest(
                            "bootable=%s is not a truth value.".formatted(text));
                }
                yield true;
            }
        };
    }

    /**
     * @throws ApiException 400 when it is not the text of a dictionary of strings
     */
    static Map<String, String> dictionary(String text) {
        String inner = text.strip();
        if (!inner.startsWith("{") || !inner.endsWith("}")) {
            throw notDictionary(text);
        }
        inner = inner.substring(1, inner.length() - 1).strip();
        Map<String, String> pairs = new LinkedHashMap<>();
        Matcher matcher = PAIR.matcher(inner);
        int at = 0;
        while (at < inner.length()) {
            matcher.region(at, inner.length());
            if (!matcher.lookingAt()) {
                throw notDictionary(text);
            }
            pairs.put(either(matcher, 1), either(matcher, 3));
            at = matcher.end();
        }
        return pairs;
    }

    private static String either(Matcher matcher, int group) {
        return Optional.ofNullable(matcher.group(group))
                .or(() -> Optional.ofNullable(matcher.group(group + 1)))
                .orElse("");
    }

    private static ApiException notDictionary(String text) {
        return ApiException.badRequest(
                "Filter by metadata must be a dictionary of strings, not %s.".formatted(text));
    }
}
