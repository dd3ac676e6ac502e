package dev.iod.ovsdb;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** One step of a transaction (RFC 7047 §5.2); a transaction applies whole or not at all. */
public sealed interface Operation {
    /**
     * @param name by which {@link Value#named} of the same transaction refers to the row: letters,
     *     digits and underscores
     */
    record Insert(String table, Optional<String> name, Map<String, Value> row)
            implements Operation {}

    record Update(String table, List<Condition> where, Map<String, Value> row)
            implements Operation {}

    record Mutate(String table, List<Condition> where, List<Mutation> mutations)
            implements Operation {}

    record Delete(String table, List<Condition> where) implements Operation {}

    /** Answers the rows as they are when the operation runs. */
    record Select(String table, List<Condition> where, List<String> columns) implements Operation {}

    /**
     * Fails the transaction with {@link OvsdbException.Category#WAIT_TIMED_OUT} unless the selected
     * rows equal (or, with {@code equal} false, differ from) the given ones.
     *
     * @param timeoutMillis 0 = test once
     */
    record Wait(
            String table,
            List<Condition> where,
            List<String> columns,
            boolean equal,
            List<Map<String, Value>> rows,
            int timeoutMillis)
            implements Operation {}

    /** Text for the server's log. */
    record Comment(String text) implements Operation {}

    static Insert insert(String table, String name, Map<String, Value> row) {
        return new Insert(table, Optional.of(name), row);
    }

    static Insert insert(String table, Map<String, Value> row) {
        return new Insert(table, Optional.empty(), row);
    }

    static Update update(String table, Condition where, Map<String, Value> row) {
        return new Update(table, List.of(where), row);
    }

    static Mutate mutate(String table, Condition where, Mutation... mutations) {
        return new Mutate(table, List.of(where), List.of(mutations));
    }

    static Delete delete(String table, Condition where) {
        return new Delete(table, List.of(where));
    }

    /** Fails the transaction unless a column of one row still has the value that was read. */
    static Wait unchanged(String table, UUID row, String column, Value value) {
        return new Wait(
                table,
                List.of(Condition.uuid(row)),
                List.of(column),
                true,
                List.of(Map.of(column, value)),
                0);
    }

    /**
     * The outcome of one operation.
     *
     * @param uuid of an inserted row
     * @param count rows matched by an update, mutate or delete
     * @param rows of a select: column name to value, sets of one as atoms
     */
    record Result(Optional<UUID> uuid, long count, List<Map<String, Value>> rows) {}
}
