package dev.iod.ovsdb;

import java.util.UUID;

/** A single OVSDB value (RFC 7047 §5.1, {@code <atom>}). */
public sealed interface Atom extends Value {
    record Int(long value) implements Atom {}

    record Real(double value) implements Atom {}

    record Bool(boolean value) implements Atom {}

    record Text(String value) implements Atom {}

    /** Another row, or any UUID. */
    record Ref(UUID value) implements Atom {}

    /** A row inserted by the same transaction under this name. */
    record NamedRef(String value) implements Atom {}
}
