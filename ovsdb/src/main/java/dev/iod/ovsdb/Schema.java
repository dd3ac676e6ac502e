package dev.iod.ovsdb;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The parts of a database schema (RFC 7047 §3.2) that reading rows needs. */
record Schema(String name, String version, Map<String, Map<String, ColumnType>> tables) {
    /** Base types of RFC 7047 §3.2. */
    enum AtomType {
        INTEGER(new Atom.Int(0)),
        REAL(new Atom.Real(0)),
        BOOLEAN(new Atom.Bool(false)),
        STRING(new Atom.Text("")),
        UUID(new Atom.Ref(new UUID(0, 0)));

        final Atom zero;

        AtomType(Atom zero) {
            this.zero = zero;
        }

        /** Whether an atom is of this type; a real number may be written as an integer. */
        boolean admits(Atom atom) {
            return switch (atom) {
                case Atom.Int ignored -> this == INTEGER || this == REAL;
                case Atom.Real ignored -> this == REAL;
                case Atom.Bool ignored -> this == BOOLEAN;
                case Atom.Text ignored -> this == STRING;
                case Atom.Ref ignored -> this == UUID;
                case Atom.NamedRef ignored -> false;
            };
        }

        static AtomType of(String name) {
            return switch (name) {
                case "integer" -> INTEGER;
                case "real" -> REAL;
                case "boolean" -> BOOLEAN;
                case "string" -> STRING;
                case "uuid" -> UUID;
                default ->
                        throw new OvsdbException(
                                OvsdbException.Category.PROTOCOL,
                                "unknown type \"" + name + "\" in the schema");
            };
        }
    }

    /** A column's type; {@code max} is Long.MAX_VALUE for "unlimited". */
    record ColumnType(AtomType key, Optional<AtomType> value, long min, long max) {
        boolean map() {
            return value.isPresent();
        }

        boolean scalar() {
            return !map() && min == 1 && max == 1;
        }

        /** What a column holds that the server did not mention (RFC 7047 §5.2.1). */
        Value initial() {
            if (map()) {
                return Value.Entries.EMPTY;
            }
            return scalar() ? key.zero : Value.Items.EMPTY;
        }

        /** Brings a value to the form of this type: a lone atom of a set column is a set. */
        Value normal(Value read) {
            return switch (read) {
                case Atom atom when scalar() && key.admits(atom) -> atom;
                case Atom atom when !scalar() && !map() && key.admits(atom) ->
                        Value.set(List.of(atom));
                case Value.Items items when !scalar() && !map() && admitsAll(items.atoms()) ->
                        items;
                case Value.Items items when map() && items.atoms().isEmpty() -> Value.Entries.EMPTY;
                case Value.Entries entries when map() && fits(entries) -> entries;
                default ->
                        throw new OvsdbException(
                                OvsdbException.Category.PROTOCOL,
                                "a value does not fit its column's type");
            };
        }

        private boolean fits(Value.Entries entries) {
            for (Map.Entry<Atom, Atom> entry : entries.atoms().entrySet()) {
                if (!key.admits(entry.getKey()) || !value.orElse(key).admits(entry.getValue())) {
                    return false;
                }
            }
            return true;
        }

        private boolean admitsAll(Iterable<Atom> atoms) {
            for (Atom atom : atoms) {
                if (!key.admits(atom)) {
                    return false;
                }
            }
            return true;
        }
    }
}
