package dev.iod.ovsdb;

import java.util.UUID;

/** A single OVSDB value (RFC 7047 §5.1, {@code <atom>}). */
public sealed interface Atom extends Value {
    // What record classes make of equals and hashCode is slow without the second compiler.

    record Int(long value) implements Atom {
        @Override
        public boolean equals(Object other) {
            return other instanceof Int atom && value == atom.value;
        }

        @Override
        public int hashCode() {
            return Long.hashCode(value);
        }
    }

    record Real(double value) implements Atom {}

    record Bool(boolean value) implements Atom {
        static final Bool TRUE = new Bool(true);
        static final Bool FALSE = new Bool(false);
    }

    record Text(String value) implements Atom {
        @Override
        public boolean equals(Object other) {
            return other == this || other instanceof Text atom && value.equals(atom.value);
        }

        @Override
        public int hashCode() {
            return value.hashCode();
        }
    }

    /** Another row, or any UUID. */
    record Ref(UUID value) implements Atom {
        @Override
        public boolean equals(Object other) {
            return other == this || other instanceof Ref atom && value.equals(atom.value);
        }

        @Override
        public int hashCode() {
            return value.hashCode();
        }
    }

    /** A row inserted by the same transaction under this name. */
    record NamedRef(String value) implements Atom {}
}
