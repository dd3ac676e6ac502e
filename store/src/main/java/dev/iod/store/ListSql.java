package dev.iod.store;

import dev.iod.store.StoreException.Reason;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.result.ResultIterator;

/**
 * A list query with filters and keyset paging: a page costs its own rows, however deep it is. The
 * columns of the conditions and sort keys are the service's own text, values are bound.
 *
 * <pre>{@code
 * new ListSql("SELECT * FROM network", Map.of("name", "name", "id", "id"))
 *     .where("project_id = ?", caller.projectId())
 *     .in("name", query.all("name"))
 *     .page(handle, page, List.of(new Sort("id", false)), MAPPER);
 * }</pre>
 */
public final class ListSql {
    /** Most bytes of text in the rows of a page; one row is returned whatever its size. */
    public static final int MAX_PAGE_BYTES = 4 << 20;

    /** Rows that are fetched at once. */
    private static final int FETCH_ROWS = 64;

    /** Most rows that {@link #all} returns. */
    public static final int MAX_ROWS = 1000;

    private final String select;
    private final Map<String, String> sortColumns;
    private Where where = Where.ALL;
    private Function<String, Object> markerId = id -> id;

    /**
     * @param select everything before WHERE
     * @param sortColumns API sort key → SQL expression that is never NULL; must contain {@code id},
     *     unique, which ends every order and is what a marker names
     */
    public ListSql(String select, Map<String, String> sortColumns) {
        if (!sortColumns.containsKey("id")) {
            throw new IllegalArgumentException("a keyset needs the unique key id");
        }
        this.select = select;
        this.sortColumns = Map.copyOf(sortColumns);
    }

    /** The key {@code id} is of SQL type uuid, and so is what a marker names. */
    public ListSql idsAreUuids() {
        markerId =
                id -> {
                    try {
                        return UUID.fromString(id);
                    } catch (IllegalArgumentException e) {
                        throw new StoreException(
                                Reason.UNKNOWN_MARKER,
                                "The marker '%s' is no UUID.".formatted(id),
                                e);
                    }
                };
        return this;
    }

    /** Adds a condition with {@code ?} for each value. */
    public ListSql where(String condition, Object... bound) {
        where = where.and(condition, bound);
        return this;
    }

    /** Adds conditions. */
    public ListSql where(Where more) {
        where = where.and(more);
        return this;
    }

    /** Adds "expression is one of these"; no values means no condition. */
    public ListSql in(String expression, Collection<?> allowed) {
        where = where.in(expression, allowed);
        return this;
    }

    /**
     * One page, of at most {@link #MAX_PAGE_BYTES}.
     *
     * @param defaultSort used when the request names no key
     * @throws StoreException for an unknown sort key or a marker that is not in the list
     */
    public <T> Listed<T> page(
            Handle handle, Page query, List<Page.Sort> defaultSort, RowMapper<T> mapper) {
        Map<String, Boolean> order = order(query, defaultSort);
        Optional<List<Object>> from = query.marker().map(id -> markerValues(handle, id, order));
        from.ifPresent(start -> after(order, start));
        List<String> terms = new ArrayList<>();
        order.forEach(
                (key, descending) ->
                        terms.add(sortColumns.get(key) + (descending ? " DESC" : " ASC")));
        String sql =
                select
                        + where.clause()
                        + " ORDER BY "
                        + String.join(", ", terms)
                        + " LIMIT ? OFFSET ?";
        List<Object> bound = new ArrayList<>(where.values());
        bound.add(query.limit());
        bound.add(query.offset());
        List<T> rows = new ArrayList<>();
        long[] bytes = {0};
        RowMapper<T> counting =
                (row, context) -> {
                    bytes[0] += bytes(row);
                    return mapper.map(row, context);
                };
        boolean cut = false;
        try (ResultIterator<T> found =
                bind(handle.createQuery(sql).setFetchSize(FETCH_ROWS), bound)
                        .map(counting)
                        .iterator()) {
            while (!cut && found.hasNext()) {
                T row = found.next();
                cut = bytes[0] > MAX_PAGE_BYTES && !rows.isEmpty();
                if (!cut) {
                    rows.add(row);
                }
            }
        }
        if (query.backward()) {
            Collections.reverse(rows);
        }
        return new Listed<>(rows, !rows.isEmpty() && (cut || rows.size() == query.limit()));
    }

    /** What a row has of text, numbers as they are written. */
    private static long bytes(ResultSet row) throws SQLException {
        long bytes = 0;
        for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
            String text = row.getString(i);
            bytes += text == null ? 0 : text.length();
        }
        return bytes;
    }

    /** All rows without paging, at most {@link #MAX_ROWS}. */
    public <T> List<T> all(Handle handle, String orderBy, RowMapper<T> mapper) {
        String sql = select + where.clause() + " ORDER BY " + orderBy + " LIMIT " + MAX_ROWS;
        return bind(handle.createQuery(sql), where.values()).map(mapper).list();
    }

    private Map<String, Boolean> order(Page query, List<Page.Sort> defaultSort) {
        Map<String, Boolean> order = new LinkedHashMap<>();
        for (Page.Sort sort : query.sort().isEmpty() ? defaultSort : query.sort()) {
            if (!sortColumns.containsKey(sort.key())) {
                throw new StoreException(
                        Reason.UNKNOWN_SORT_KEY,
                        "Sort key '%s' is not known.".formatted(sort.key()));
            }
            order.put(sort.key(), sort.descending() != query.backward());
        }
        order.putIfAbsent("id", query.backward());
        return order;
    }

    private List<Object> markerValues(Handle handle, String id, Map<String, Boolean> order) {
        List<String> columns = order.keySet().stream().map(sortColumns::get).toList();
        // The marker is looked up among the rows the caller may see, by their own conditions.
        Where one = where.and(sortColumns.get("id") + " = ?", markerId.apply(id));
        String sql =
                "SELECT "
                        + String.join(", ", columns)
                        + select.substring(fromIndex())
                        + one.clause();
        return bind(handle.createQuery(sql), one.values())
                .map(
                        (row, context) -> {
                            List<Object> found = new ArrayList<>();
                            for (int i = 1; i <= columns.size(); i++) {
                                found.add(row.getObject(i));
                            }
                            return found;
                        })
                .findFirst()
                .orElseThrow(
                        () ->
                                new StoreException(
                                        Reason.UNKNOWN_MARKER,
                                        "The marker '%s' is not in the list.".formatted(id)));
    }

    private int fromIndex() {
        int index = select.indexOf(" FROM ");
        if (index < 0) {
            throw new IllegalArgumentException("no FROM in " + select);
        }
        return index;
    }

    private void after(Map<String, Boolean> order, List<Object> start) {
        // (a > x) OR (a = x AND (b < y OR (b = y AND …))), because directions may differ.
        StringBuilder condition = new StringBuilder();
        List<Object> bound = new ArrayList<>();
        List<String> keys = List.copyOf(order.keySet());
        for (int i = 0; i < keys.size(); i++) {
            String column = sortColumns.get(keys.get(i));
            String comparison = order.getOrDefault(keys.get(i), false) ? " < ?" : " > ?";
            condition.append(column).append(comparison);
            bound.add(start.get(i));
            if (i < keys.size() - 1) {
                condition.append(" OR (").append(column).append(" = ? AND (");
                bound.add(start.get(i));
            }
        }
        condition.append("))".repeat(keys.size() - 1));
        where = where.and(condition.toString(), bound.toArray());
    }

    private static org.jdbi.v3.core.statement.Query bind(
            org.jdbi.v3.core.statement.Query query, List<Object> bound) {
        for (int i = 0; i < bound.size(); i++) {
            query.bind(i, bound.get(i));
        }
        return query;
    }
}
