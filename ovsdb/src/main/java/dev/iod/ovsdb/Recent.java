package dev.iod.ovsdb;

import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Atoms that were read not long ago, so that rows share what they have in common: the same texts,
 * numbers and references come again and again. A fixed number of places; an atom that finds its
 * place taken by another one takes it. One thread.
 */
final class Recent {
    private static final int PLACES = 1 << 13;

    private final @Nullable Atom[] atoms = new Atom[PLACES];

    Atom text(String value) {
        int place = place(value.hashCode());
        if (atoms[place] instanceof Atom.Text text && text.value().equals(value)) {
            return text;
        }
        return keep(place, new Atom.Text(value));
    }

    Atom number(long value) {
        int place = place(Long.hashCode(value));
        if (atoms[place] instanceof Atom.Int number && number.value() == value) {
            return number;
        }
        return keep(place, new Atom.Int(value));
    }

    Atom ref(UUID value) {
        int place = place(value.hashCode());
        if (atoms[place] instanceof Atom.Ref ref && ref.value().equals(value)) {
            return ref;
        }
        return keep(place, new Atom.Ref(value));
    }

    private static int place(int hash) {
        return (hash ^ hash >>> 13 ^ hash >>> 20) & PLACES - 1;
    }

    private Atom keep(int place, Atom atom) {
        atoms[place] = Objects.requireNonNull(atom);
        return atom;
    }
}
