package dev.iod.rest;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/**
 * The list parameters OpenStack's services share.
 *
 * @param limit rows asked for, 0 to {@link #MAX_LIMIT}
 * @param marker id of the last row of the page before
 * @param sort keys in order, possibly none
 * @param fields projection; empty means everything
 * @param backward whether the page before the marker is asked for (Neutron's {@code page_reverse})
 */
public record ListQuery(
        int limit, Optional<String> marker, List<Sort> sort, Set<String> fields, boolean backward) {
    /** Most rows in one answer, as Nova's and Glance's {@code max_limit}. */
    public static final int MAX_LIMIT = 1000;

    /** One sort key. */
    public record Sort(String key, boolean descending) {}

    static ListQuery of(Query query) {
        return new ListQuery(
                limit(query),
                query.first("marker").filter(marker -> !marker.isEmpty()),
                sort(query),
                Set.copyOf(query.all("fields")),
                query.flag("page_reverse").orElse(false));
    }

    /** Copies. */
    public ListQuery {
        sort = List.copyOf(sort);
        fields = Set.copyOf(fields);
    }

    /** The object with only the asked-for fields. */
    public ObjectNode project(ObjectNode object) {
        return fields.isEmpty() ? object : object.retain(fields);
    }

    private static int limit(Query query) {
        String text = query.first("limit").orElse("");
        if (text.isEmpty()) {
            return MAX_LIMIT;
        }
        if (!text.matches("[0-9]{1,18}")) {
            throw ApiException.badRequest(
                    "Invalid input for query parameters limit. Value: %s. It must be a non-negative integer."
                            .formatted(text));
        }
        long limit = Long.parseLong(text);
        return (int) Math.min(limit, MAX_LIMIT);
    }

    private static List<Sort> sort(Query query) {
        List<Sort> sort = new ArrayList<>();
        // Two spellings: sort_key=a&sort_dir=asc&sort_key=b… and (Glance) sort=a:asc,b:desc.
        List<String> keys = query.all("sort_key");
        List<String> directions = query.all("sort_dir");
        for (int i = 0; i < keys.size(); i++) {
            sort.add(new Sort(keys.get(i), i < directions.size() && descends(directions.get(i))));
        }
        // Also those without a key, which say nothing.
        directions.forEach(ListQuery::descends);
        for (String part : query.first("sort").orElse("").split(",", 16)) {
            if (!part.isEmpty()) {
                int colon = part.indexOf(':');
                sort.add(
                        colon < 0
                                ? new Sort(part, false)
                                : new Sort(
                                        part.substring(0, colon),
                                        descends(part.substring(colon + 1))));
            }
        }
        Set<String> distinct = sort.stream().map(Sort::key).collect(Collectors.toSet());
        if (distinct.size() != sort.size() || sort.size() > 8) {
            throw ApiException.badRequest(
                    "A sort key may be given once, and at most eight of them.");
        }
        return sort;
    }

    private static boolean descends(String direction) {
        return switch (direction) {
            case "asc" -> false;
            case "desc" -> true;
            default ->
                    throw ApiException.badRequest(
                            "Unknown sort direction '%s': it must be asc or desc."
                                    .formatted(direction));
        };
    }
}
