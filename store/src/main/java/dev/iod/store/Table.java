package dev.iod.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/**
 * A table whose rows are records: a column for each component, {@code user_id} for {@code userId}.
 * A row has a key that is unique among the rows that a caller may see.
 *
 * <p>Names of tables and columns are the service's own text; values are bound. The record's package
 * must be open to Jdbi. A component may be of any type that Jdbi knows, {@link Optional}, {@code
 * List<String>} for {@code text[]} and {@code Map<String, String>} for {@code jsonb}.
 *
 * @param select the columns of the record
 * @param sortKeys the API's sort keys and the expressions behind them, see {@link ListSql}
 * @param order of lists whose request names none
 * @param uuids whether keys are UUIDs
 */
public record Table<T extends Record>(
        String name,
        String key,
        String select,
        Map<String, String> sortKeys,
        List<Page.Sort> order,
        boolean uuids,
        RowMapper<T> mapper) {
    /** Copies. */
    public Table {
        sortKeys = Map.copyOf(sortKeys);
        order = List.copyOf(order);
    }

    /** A table that is listed in the order of the key. */
    public static <T extends Record> Table<T> of(Class<T> row, String name, String key) {
        boolean uuids =
                Arrays.stream(row.getRecordComponents())
                        .anyMatch(c -> c.getName().equals(key) && c.getType() == UUID.class);
        return new Table<>(
                name,
                key,
                name + ".*",
                Map.of("id", key),
                List.of(),
                uuids,
                ConstructorMapper.of(row));
    }

    /** The same with one more column, computed for each row. */
    public Table<T> computed(String column, String expression) {
        return new Table<>(
                name,
                key,
                select + ", " + expression + " AS " + column,
                sortKeys,
                order,
                uuids,
                mapper);
    }

    /**
     * The same with sort keys.
     *
     * @param keys API sort key → SQL expression that is never NULL; the key is {@code id}
     * @param first the keys of the order of lists whose request names none, ascending
     */
    public Table<T> sorted(Map<String, String> keys, String... first) {
        Map<String, String> all = new LinkedHashMap<>(keys);
        all.put("id", key);
        List<Page.Sort> ascending = new ArrayList<>();
        for (String one : first) {
            ascending.add(new Page.Sort(one, false));
        }
        return new Table<>(name, key, select, all, ascending, uuids, mapper);
    }

    /** The same where lists whose request names no sort key begin at their ends. */
    public Table<T> reversed() {
        List<Page.Sort> descending =
                order.stream().map(sort -> new Page.Sort(sort.key(), !sort.descending())).toList();
        return new Table<>(name, key, select, sortKeys, descending, uuids, mapper);
    }

    /** A page of those rows; a marker is a key. */
    public Listed<T> list(Handle handle, Where where, Page page) {
        ListSql list = new ListSql("SELECT * FROM " + source(), sortKeys).where(where);
        return (uuids ? list.idsAreUuids() : list).page(handle, page, order, mapper);
    }

    /** Those rows in the order of lists, at most {@link ListSql#MAX_ROWS}. */
    public List<T> all(Handle handle, Where where) {
        return new ListSql("SELECT * FROM " + source(), sortKeys)
                .where(where)
                .all(handle, orderBy(), mapper);
    }

    /** The row of that key. */
    public Where is(Object keyValue) {
        return Where.of(key + " = ?", keyValue);
    }

    /** The first of those rows by the key. */
    public Optional<T> first(Handle handle, Where where) {
        String sql =
                "SELECT * FROM %s%s ORDER BY %s LIMIT 1".formatted(source(), where.clause(), key);
        try (Query query = handle.createQuery(sql)) {
            return bound(query, where.values()).map(mapper).findOne();
        }
    }

    /** How many of those rows there are. */
    public long count(Handle handle, Where where) {
        try (Query query = handle.createQuery("SELECT count(*) FROM " + name + where.clause())) {
            return bound(query, where.values()).mapTo(Long.class).one();
        }
    }

    /**
     * Makes a row.
     *
     * @param columns those that are not named have their defaults
     * @return the whole row
     * @throws StoreException when a row with the same value of something unique is there; the
     *     transaction is lost then
     */
    public T insert(Handle handle, Columns columns) {
        Map<String, Object> values = columns.values();
        String sql =
                "INSERT INTO %s (%s) VALUES (%s) RETURNING %s"
                        .formatted(
                                name,
                                String.join(", ", values.keySet()),
                                String.join(", ", Collections.nCopies(values.size(), "?")),
                                select);
        return changed(handle, sql, List.copyOf(values.values())).orElseThrow();
    }

    /**
     * Changes one row.
     *
     * @param columns those that are not named stay; at least one
     * @return the whole row as it is now; empty when there is none
     * @throws StoreException as {@link #insert}
     */
    public Optional<T> update(Handle handle, Where one, Columns columns) {
        Map<String, Object> values = columns.values();
        String sql =
                "UPDATE %s SET %s = ?%s RETURNING %s"
                        .formatted(
                                name, String.join(" = ?, ", values.keySet()), one.clause(), select);
        List<Object> all = new ArrayList<>(values.values());
        all.addAll(one.values());
        return changed(handle, sql, all);
    }

    /** Removes those rows; how many there were. */
    public int delete(Handle handle, Where where) {
        return handle.execute("DELETE FROM " + name + where.clause(), where.values().toArray());
    }

    private String orderBy() {
        return order.isEmpty() ? key : sortKeys.getOrDefault(order.getFirst().key(), key);
    }

    private String source() {
        return "(SELECT %s FROM %s) %s".formatted(select, name, name);
    }

    private Optional<T> changed(Handle handle, String sql, List<Object> values) {
        try (Query query = handle.createQuery(sql)) {
            return bound(query, values).map(mapper).findOne();
        } catch (UnableToExecuteStatementException e) {
            throw StoreException.duplicate(e).orElseThrow(() -> e);
        }
    }

    private static Query bound(Query query, List<Object> values) {
        for (int i = 0; i < values.size(); i++) {
            query.bind(i, values.get(i));
        }
        return query;
    }
}
