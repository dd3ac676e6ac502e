package dev.iod.ovsdb;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * One row of a replicated table; immutable. Asking for a column that is not replicated, or by the
 * wrong type, is a programming error ({@link IllegalArgumentException}).
 */
public final class Row {
    private final Layout layout;
    private final UUID uuid;
    private final Value[] values;

    /** The replicated columns of a table, shared by its rows. */
    record Layout(String table, List<String> columns, List<Schema.ColumnType> types) {
        int index(String column) {
            for (int i = 0; i < columns.size(); i++) {
                if (columns.get(i).equals(column)) {
                    return i;
                }
            }
            return -1;
        }
    }

    Row(Layout layout, UUID uuid, Value[] values) {
        this.layout = layout;
        this.uuid = uuid;
        this.values = values;
    }

    /**
     * A row that no server said, for generators and tests.
     *
     * @param columns all columns it has; a column that may hold another number of atoms than one is
     *     a set
     */
    public static Row of(String table, UUID uuid, Map<String, Value> columns) {
        var layout = new Layout(table, List.copyOf(columns.keySet()), List.of());
        return new Row(layout, uuid, columns.values().toArray(Value[]::new));
    }

    public String table() {
        return layout.table();
    }

    public UUID uuid() {
        return uuid;
    }

    /** Whether this column is replicated (optional columns may not be). */
    public boolean has(String column) {
        return layout.index(column) >= 0;
    }

    public Value value(String column) {
        int index = layout.index(column);
        if (index < 0) {
            throw new IllegalArgumentException(
                    "column " + column + " of table " + table() + " is not replicated");
        }
        return values[index];
    }

    Value[] values() {
        return values.clone();
    }

    /** A column of exactly one string. */
    public String text(String column) {
        if (value(column) instanceof Atom.Text(String text)) {
            return text;
        }
        throw mismatch(column, "string");
    }

    /** A column of exactly one integer. */
    public long integer(String column) {
        if (value(column) instanceof Atom.Int(long number)) {
            return number;
        }
        throw mismatch(column, "integer");
    }

    /** A column of exactly one boolean. */
    public boolean bool(String column) {
        if (value(column) instanceof Atom.Bool(boolean flag)) {
            return flag;
        }
        throw mismatch(column, "boolean");
    }

    /** A column of exactly one reference. */
    public UUID ref(String column) {
        if (value(column) instanceof Atom.Ref(UUID ref)) {
            return ref;
        }
        throw mismatch(column, "uuid");
    }

    /** A column of at most one string. */
    public Optional<String> optionalText(String column) {
        for (Atom atom : items(column)) {
            if (atom instanceof Atom.Text(String text)) {
                return Optional.of(text);
            }
            throw mismatch(column, "optional string");
        }
        return Optional.empty();
    }

    /** A column of at most one integer. */
    public OptionalLong optionalInteger(String column) {
        for (Atom atom : items(column)) {
            if (atom instanceof Atom.Int(long number)) {
                return OptionalLong.of(number);
            }
            throw mismatch(column, "optional integer");
        }
        return OptionalLong.empty();
    }

    /** A column of at most one boolean. */
    public Optional<Boolean> optionalBool(String column) {
        for (Atom atom : items(column)) {
            if (atom instanceof Atom.Bool(boolean flag)) {
                return Optional.of(flag);
            }
            throw mismatch(column, "optional boolean");
        }
        return Optional.empty();
    }

    /** A column of at most one reference. */
    public Optional<UUID> optionalRef(String column) {
        for (Atom atom : items(column)) {
            if (atom instanceof Atom.Ref(UUID ref)) {
                return Optional.of(ref);
            }
            throw mismatch(column, "optional uuid");
        }
        return Optional.empty();
    }

    /** A set of strings, in the server's order. */
    public Set<String> texts(String column) {
        var texts = new LinkedHashSet<String>();
        for (Atom atom : items(column)) {
            if (!(atom instanceof Atom.Text(String text))) {
                throw mismatch(column, "set of strings");
            }
            texts.add(text);
        }
        return texts;
    }

    /** A set of references, in the server's order. */
    public Set<UUID> refs(String column) {
        var refs = new LinkedHashSet<UUID>();
        for (Atom atom : items(column)) {
            if (!(atom instanceof Atom.Ref(UUID ref))) {
                throw mismatch(column, "set of uuids");
            }
            refs.add(ref);
        }
        return refs;
    }

    /** A map of strings, in the server's order. */
    public Map<String, String> map(String column) {
        if (!(value(column) instanceof Value.Entries(Map<Atom, Atom> atoms))) {
            throw mismatch(column, "map");
        }
        var map = new LinkedHashMap<String, String>();
        atoms.forEach(
                (key, value) -> {
                    if (!(key instanceof Atom.Text(String k))
                            || !(value instanceof Atom.Text(String v))) {
                        throw mismatch(column, "map of strings");
                    }
                    map.put(k, v);
                });
        return map;
    }

    /** One value of a map of strings. */
    public Optional<String> entry(String column, String key) {
        if (!(value(column) instanceof Value.Entries(Map<Atom, Atom> atoms))) {
            throw mismatch(column, "map");
        }
        return switch (atoms.get(new Atom.Text(key))) {
            case null -> Optional.empty();
            case Atom.Text(String text) -> Optional.of(text);
            default -> throw mismatch(column, "map of strings");
        };
    }

    private Set<Atom> items(String column) {
        return switch (value(column)) {
            case Value.Items items -> items.atoms();
            case Atom atom -> Set.of(atom);
            case Value.Entries ignored -> throw mismatch(column, "set");
        };
    }

    private IllegalArgumentException mismatch(String column, String wanted) {
        return new IllegalArgumentException(
                "column " + column + " of table " + table() + " is not a " + wanted);
    }

    boolean sameValues(Row other) {
        return layout.equals(other.layout) && Arrays.equals(values, other.values);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Row row && uuid.equals(row.uuid) && sameValues(row);
    }

    @Override
    public int hashCode() {
        return uuid.hashCode();
    }

    @Override
    public String toString() {
        var text = new StringBuilder(table()).append(' ').append(uuid);
        for (int i = 0; i < values.length; i++) {
            text.append(' ').append(layout.columns().get(i)).append('=').append(values[i]);
        }
        return text.toString();
    }
}
