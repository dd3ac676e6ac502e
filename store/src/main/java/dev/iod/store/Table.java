package dev.iod.store;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jdbi.v3.core.statement.Update;

/**
 * A table whose rows are records: a column for each component, {@code user_id} for {@code userId}.
 * Each row belongs to an owner and has a key that is unique among its owner's rows.
 *
 * <p>Names of tables and columns are the service's own text; values are bound. The record's package
 * must be open to Jdbi.
 */
public final class Table<T extends Record> {
    private final String name;
    private final String owner;
    private final String key;
    private final RowMapper<T> mapper;

    private Table(String name, String owner, String key, RowMapper<T> mapper) {
        this.name = name;
        this.owner = owner;
        this.key = key;
        this.mapper = mapper;
    }

    /**
     * @param owner column of the owner
     * @param key column of the key
     */
    public static <T extends Record> Table<T> of(
            Class<T> row, String name, String owner, String key) {
        return new Table<>(name, owner, key, ConstructorMapper.of(row));
    }

    /** A page of the owner's rows; a marker is a key. */
    public Listed<T> list(Handle handle, String ownerValue, Page page) {
        return new ListSql("SELECT * FROM " + name, Map.of("id", key))
                .where(owner + " = ?", ownerValue)
                .page(handle, page, List.of(), mapper);
    }

    /** One row. */
    public Optional<T> find(Handle handle, String ownerValue, String keyValue) {
        return handle.createQuery(
                        "SELECT * FROM %s WHERE %s = :owner AND %s = :key"
                                .formatted(name, owner, key))
                .bind("owner", ownerValue)
                .bind("key", keyValue)
                .map(mapper)
                .findOne();
    }

    /** How many rows the owner has. */
    public long count(Handle handle, String ownerValue) {
        return handle.createQuery(
                        "SELECT count(*) FROM %s WHERE %s = :owner".formatted(name, owner))
                .bind("owner", ownerValue)
                .mapTo(Long.class)
                .one();
    }

    /**
     * Makes a row.
     *
     * @param values column → value; the other columns have their defaults
     * @return the whole row; empty when there is one of that key
     */
    public Optional<T> insert(Handle handle, Map<String, Object> values) {
        List<String> columns = new ArrayList<>(values.keySet());
        try (Update update =
                handle.createUpdate(
                        "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s, %s) DO NOTHING"
                                .formatted(
                                        name,
                                        String.join(", ", columns),
                                        String.join(", ", Collections.nCopies(columns.size(), "?")),
                                        owner,
                                        key))) {
            for (int i = 0; i < columns.size(); i++) {
                update.bind(i, values.get(columns.get(i)));
            }
            return update.executeAndReturnGeneratedKeys().map(mapper).findOne();
        }
    }

    /** Removes a row; false when there was none. */
    public boolean delete(Handle handle, String ownerValue, String keyValue) {
        return handle.execute(
                        "DELETE FROM %s WHERE %s = ? AND %s = ?".formatted(name, owner, key),
                        ownerValue,
                        keyValue)
                == 1;
    }
}
