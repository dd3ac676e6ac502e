package dev.iod.ovsdb;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * What a column holds: one atom, a set of atoms or a map of atoms. Values read from a server are in
 * the form their column's type says, so equal contents are equal values; values written may use an
 * atom for a set of one.
 */
public sealed interface Value permits Atom, Value.Items, Value.Entries {
    /** A set; iteration keeps the server's order. Meant to be iterated, not searched. */
    record Items(Set<Atom> atoms) implements Value {
        public static final Items EMPTY = new Items(Set.of());

        public Items {
            atoms = AtomSet.of(atoms);
        }
    }

    /** A map; iteration keeps the server's order. Meant for a few entries. */
    record Entries(Map<Atom, Atom> atoms) implements Value {
        public static final Entries EMPTY = new Entries(Map.of());

        public Entries {
            atoms = AtomMap.of(atoms);
        }
    }

    static Atom of(String value) {
        return new Atom.Text(value);
    }

    static Atom of(long value) {
        return new Atom.Int(value);
    }

    static Atom of(boolean value) {
        return new Atom.Bool(value);
    }

    static Atom of(UUID value) {
        return new Atom.Ref(value);
    }

    /** The row that an {@link Operation.Insert} of the same transaction names. */
    static Atom named(String name) {
        return new Atom.NamedRef(name);
    }

    static Items set(Collection<? extends Atom> atoms) {
        return new Items(AtomSet.of(List.copyOf(atoms)));
    }

    static Items none() {
        return Items.EMPTY;
    }

    static Items texts(Collection<String> values) {
        return set(values.stream().map(Value::of).toList());
    }

    static Items refs(Collection<UUID> values) {
        return set(values.stream().map(Value::of).toList());
    }

    static Entries map(Map<String, String> values) {
        var atoms = new LinkedHashMap<Atom, Atom>();
        values.forEach((key, value) -> atoms.put(of(key), of(value)));
        return new Entries(atoms);
    }
}
