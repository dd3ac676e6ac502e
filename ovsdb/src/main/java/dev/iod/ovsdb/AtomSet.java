package dev.iod.ovsdb;

import java.util.AbstractSet;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The atoms of a set in the server's order, as an array: most sets of a database have one or two
 * members, and a hash table for each would take most of a replica's memory. Looking for a member
 * looks at all of them.
 */
final class AtomSet extends AbstractSet<Atom> {
    private final Atom[] atoms;

    private AtomSet(Atom[] atoms) {
        this.atoms = atoms;
    }

    /** A copy, without what is there twice. */
    static AtomSet of(Collection<Atom> atoms) {
        if (atoms instanceof AtomSet known) {
            return known;
        }
        Collection<Atom> distinct = atoms.size() < 2 ? atoms : new LinkedHashSet<>(atoms);
        return new AtomSet(distinct.toArray(Atom[]::new));
    }

    @Override
    public int size() {
        return atoms.length;
    }

    @Override
    public Iterator<Atom> iterator() {
        return List.of(atoms).iterator();
    }

    @Override
    public boolean contains(Object other) {
        for (Atom atom : atoms) {
            if (atom.equals(other)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof AtomSet set)) {
            return super.equals(other);
        }
        // A server sorts what it sends; sets that were written may be in any order.
        return Arrays.equals(atoms, set.atoms)
                || (atoms.length == set.atoms.length
                        && new HashSet<>(Arrays.asList(atoms))
                                .containsAll(Arrays.asList(set.atoms)));
    }

    @Override
    public int hashCode() {
        return super.hashCode();
    }
}
