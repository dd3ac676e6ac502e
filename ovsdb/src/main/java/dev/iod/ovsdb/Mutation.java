package dev.iod.ovsdb;

/** A change of part of a column (RFC 7047 §5.1). */
public record Mutation(String column, String mutator, Value value) {
    /** Adds elements to a set or map; keys a map already has keep their value. */
    public static Mutation insert(String column, Value value) {
        return new Mutation(column, "insert", value);
    }

    /** Removes elements of a set; of a map either pairs (given a map) or keys (given a set). */
    public static Mutation delete(String column, Value value) {
        return new Mutation(column, "delete", value);
    }

    public static Mutation add(String column, long amount) {
        return new Mutation(column, "+=", Value.of(amount));
    }
}
