package dev.iod.ovsdb;

import java.util.UUID;

/** One clause of a {@code where} (RFC 7047 §5.1); the clauses of a list are joined by "and". */
public record Condition(String column, Function function, Value value) {
    /** The relations of RFC 7047 §5.1. */
    public enum Function {
        EQUAL("=="),
        NOT_EQUAL("!="),
        LESS("<"),
        LESS_OR_EQUAL("<="),
        GREATER(">"),
        GREATER_OR_EQUAL(">="),
        INCLUDES("includes"),
        EXCLUDES("excludes");

        final String wire;

        Function(String wire) {
            this.wire = wire;
        }
    }

    // What record classes make of these is slow without the second compiler.

    @Override
    public boolean equals(Object other) {
        return other == this
                || other instanceof Condition condition
                        && function == condition.function
                        && column.equals(condition.column)
                        && value.equals(condition.value);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * column.hashCode() + function.hashCode()) + value.hashCode();
    }

    public static Condition equal(String column, Value value) {
        return new Condition(column, Function.EQUAL, value);
    }

    public static Condition includes(String column, Value value) {
        return new Condition(column, Function.INCLUDES, value);
    }

    public static Condition uuid(UUID uuid) {
        return equal("_uuid", Value.of(uuid));
    }
}
