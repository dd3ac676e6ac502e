package dev.iod.ovsdb;

import java.util.List;
import java.util.Optional;

/**
 * A table to replicate.
 *
 * @param columns the columns wanted; all must exist in the server's schema
 * @param optionalColumns columns wanted if the server's schema has them
 * @param where alternatives: a row is replicated when any condition holds; empty = every row; a
 *     present but empty list = no row
 */
public record Table(
        String name,
        List<String> columns,
        List<String> optionalColumns,
        Optional<List<Condition>> where) {
    public static Table of(String name, String... columns) {
        return new Table(name, List.of(columns), List.of(), Optional.empty());
    }

    /** The same table, limited to the rows for which any of the conditions holds. */
    public Table where(List<Condition> any) {
        return new Table(name, columns, optionalColumns, Optional.of(List.copyOf(any)));
    }

    /** The same table with columns that older servers may lack. */
    public Table optionally(String... more) {
        return new Table(name, columns, List.of(more), where);
    }
}
