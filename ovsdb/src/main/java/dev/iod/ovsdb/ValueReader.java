package dev.iod.ovsdb;

import dev.iod.ovsdb.OvsdbException.Category;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.UUID;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads {@code <value>} of RFC 7047 §5.1. */
final class ValueReader {
    private ValueReader() {}

    /** The value whose first token is the parser's current one. */
    static Value read(JsonParser in) {
        if (in.currentToken() != JsonToken.START_ARRAY) {
            return atom(in);
        }
        in.nextToken();
        String tag = in.getString();
        in.nextToken();
        Value value =
                switch (tag) {
                    case "uuid", "named-uuid" -> tagged(tag, in.getString());
                    case "set" -> items(in);
                    case "map" -> entries(in);
                    default -> throw wrong("unknown value tag \"" + tag + "\"");
                };
        if (in.nextToken() != JsonToken.END_ARRAY) {
            throw wrong("a value has trailing elements");
        }
        return value;
    }

    private static Atom atom(JsonParser in) {
        return switch (in.currentToken()) {
            case VALUE_STRING -> new Atom.Text(in.getString());
            case VALUE_NUMBER_INT -> new Atom.Int(in.getLongValue());
            case VALUE_NUMBER_FLOAT -> new Atom.Real(in.getDoubleValue());
            case VALUE_TRUE -> new Atom.Bool(true);
            case VALUE_FALSE -> new Atom.Bool(false);
            case START_ARRAY -> {
                in.nextToken();
                String tag = in.getString();
                in.nextToken();
                Atom atom = tagged(tag, in.getString());
                in.nextToken();
                yield atom;
            }
            default -> throw wrong("an atom cannot be " + in.currentToken());
        };
    }

    private static Atom tagged(String tag, String value) {
        return switch (tag) {
            case "uuid" -> new Atom.Ref(uuid(value));
            case "named-uuid" -> new Atom.NamedRef(value);
            default -> throw wrong("unknown atom tag \"" + tag + "\"");
        };
    }

    private static Value items(JsonParser in) {
        var atoms = new LinkedHashSet<Atom>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            atoms.add(atom(in));
        }
        return atoms.isEmpty() ? Value.Items.EMPTY : new Value.Items(atoms);
    }

    private static Value entries(JsonParser in) {
        var atoms = new LinkedHashMap<Atom, Atom>();
        while (in.nextToken() == JsonToken.START_ARRAY) {
            in.nextToken();
            Atom key = atom(in);
            in.nextToken();
            atoms.put(key, atom(in));
            in.nextToken();
        }
        return atoms.isEmpty() ? Value.Entries.EMPTY : new Value.Entries(atoms);
    }

    static UUID uuid(String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new OvsdbException(Category.PROTOCOL, "not a uuid: \"" + text + "\"", e);
        }
    }

    private static OvsdbException wrong(String message) {
        return new OvsdbException(Category.PROTOCOL, message);
    }
}
