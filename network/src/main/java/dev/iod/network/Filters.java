package dev.iod.network;

import dev.iod.rest.Query;
import dev.iod.store.ListSql;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * The query parameters by which a list can be narrowed. Several values of one parameter are
 * alternatives, as in Neutron; an unknown parameter is an error (extension filter-validation).
 */
final class Filters {
    private static final Set<String> RESERVED =
            Set.of("limit", "marker", "sort_key", "sort_dir", "page_reverse", "fields");

    private final Map<String, BiConsumer<ListSql, List<String>>> byName = new LinkedHashMap<>();

    Filters add(String name, BiConsumer<ListSql, List<String>> filter) {
        byName.put(name, filter);
        return this;
    }

    Filters text(String name, String column) {
        return add(name, (sql, values) -> sql.in(column, values));
    }

    Filters id(String name, String column) {
        return add(name, (sql, values) -> ids(sql, column, values));
    }

    /** A value that is not of the attribute's kind is that of nothing. */
    Filters normalized(String name, String column, Function<String, Optional<String>> normalize) {
        return add(
                name,
                (sql, values) -> {
                    List<String> known =
                            values.stream()
                                    .flatMap(text -> normalize.apply(text).stream())
                                    .toList();
                    if (known.isEmpty()) {
                        sql.where("false");
                    }
                    sql.in(column, known);
                });
    }

    Filters flag(String name, String column) {
        return add(
                name, (sql, values) -> sql.in(column, values.stream().map(Filters::flag).toList()));
    }

    /** An attribute that is the same for every resource of this kind. */
    Filters constant(String name, String value) {
        return add(
                name,
                (sql, values) -> {
                    if (values.stream().noneMatch(value::equalsIgnoreCase)) {
                        sql.where("false");
                    }
                });
    }

    /** The filters of every kind of resource. */
    static Filters common() {
        return new Filters()
                .id("id", "id")
                .text("name", "name")
                .text("description", "description")
                .text("project_id", "project_id")
                .text("tenant_id", "project_id");
    }

    /** Adds the conditions of a request. */
    void apply(ListSql sql, Query query) {
        for (String name : query.names()) {
            if (RESERVED.contains(name)) {
                continue;
            }
            var filter = byName.get(name);
            if (filter == null) {
                throw Neutron.badRequest(
                        "HTTPBadRequest",
                        "['%s'] is invalid attribute for filtering".formatted(name));
            }
            filter.accept(sql, query.all(name));
        }
    }

    static void ids(ListSql sql, String column, List<String> values) {
        List<UUID> ids = values.stream().flatMap(value -> Ids.parse(value).stream()).toList();
        if (ids.isEmpty()) {
            // What is not a UUID is the id of nothing.
            sql.where("false");
        } else {
            sql.in(column, ids);
        }
    }

    static boolean flag(String value) {
        return switch (value.toLowerCase(java.util.Locale.ROOT)) {
            case "true", "1" -> true;
            case "false", "0" -> false;
            default ->
                    throw Neutron.invalid("'%s' cannot be converted to boolean".formatted(value));
        };
    }
}
