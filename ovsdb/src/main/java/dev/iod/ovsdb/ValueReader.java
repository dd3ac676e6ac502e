package dev.iod.ovsdb;

import dev.iod.ovsdb.OvsdbException.Category;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.UUID;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads {@code <value>} of RFC 7047 §5.1; atoms that come again are the same objects. */
final class ValueReader {
    private final JsonParser in;
    private final Recent recent = new Recent();

    ValueReader(JsonParser in) {
        this.in = in;
    }

    /** The value whose first token is the parser's current one. */
    Value read() {
        if (in.currentToken() != JsonToken.START_ARRAY) {
            return atom();
        }
        in.nextToken();
        String tag = in.getString();
        in.nextToken();
        Value value =
                switch (tag) {
                    case "uuid", "named-uuid" -> tagged(tag, in.getString());
                    case "set" -> items();
                    case "map" -> entries();
                    default -> throw wrong("unknown value tag \"" + tag + "\"");
                };
        if (in.nextToken() != JsonToken.END_ARRAY) {
            throw wrong("a value has trailing elements");
        }
        return value;
    }

    private Atom atom() {
        return switch (in.currentToken()) {
            case VALUE_STRING -> recent.text(in.getString());
            case VALUE_NUMBER_INT -> recent.number(in.getLongValue());
            case VALUE_NUMBER_FLOAT -> new Atom.Real(in.getDoubleValue());
            case VALUE_TRUE -> Atom.Bool.TRUE;
            case VALUE_FALSE -> Atom.Bool.FALSE;
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

    private Atom tagged(String tag, String value) {
        return switch (tag) {
            case "uuid" -> recent.ref(uuid(value));
            case "named-uuid" -> new Atom.NamedRef(value);
            default -> throw wrong("unknown atom tag \"" + tag + "\"");
        };
    }

    private Value items() {
        var atoms = new ArrayList<Atom>(2);
        while (in.nextToken() != JsonToken.END_ARRAY) {
            atoms.add(atom());
        }
        return atoms.isEmpty() ? Value.Items.EMPTY : new Value.Items(AtomSet.of(atoms));
    }

    private Value entries() {
        var atoms = new LinkedHashMap<Atom, Atom>();
        while (in.nextToken() == JsonToken.START_ARRAY) {
            in.nextToken();
            Atom key = atom();
            in.nextToken();
            atoms.put(key, atom());
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
