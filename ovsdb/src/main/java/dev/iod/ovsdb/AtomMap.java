package dev.iod.ovsdb;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a map in the server's order, as an array: a database's maps have a few entries,
 * and there are many of them. Looking for a key looks at all of them.
 */
final class AtomMap extends AbstractMap<Atom, Atom> {
    /** A key and its value, in turn. */
    private final Atom[] atoms;

    private AtomMap(Atom[] atoms) {
        this.atoms = atoms;
    }

    static AtomMap of(Map<Atom, Atom> entries) {
        if (entries instanceof AtomMap known) {
            return known;
        }
        var atoms = new Atom[2 * entries.size()];
        int count = 0;
        for (Map.Entry<Atom, Atom> entry : entries.entrySet()) {
            atoms[count++] = entry.getKey();
            atoms[count++] = entry.getValue();
        }
        return new AtomMap(atoms);
    }

    @Override
    public @Nullable Atom get(Object key) {
        for (int i = 0; i < atoms.length; i += 2) {
            if (atoms[i].equals(key)) {
                return atoms[i + 1];
            }
        }
        return null;
    }

    @Override
    public boolean containsKey(Object key) {
        return get(key) != null;
    }

    @Override
    public Set<Map.Entry<Atom, Atom>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public int size() {
                return atoms.length / 2;
            }

            @Override
            public Iterator<Map.Entry<Atom, Atom>> iterator() {
                return new Iterator<>() {
                    private int at;

                    @Override
                    public boolean hasNext() {
                        return at < atoms.length;
                    }

                    @Override
                    public Map.Entry<Atom, Atom> next() {
                        if (!hasNext()) {
                            throw new NoSuchElementException();
                        }
                        at += 2;
                        return Map.entry(atoms[at - 2], atoms[at - 1]);
                    }
                };
            }
        };
    }
}
