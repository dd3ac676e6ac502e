package dev.iod.ovsdb;

import dev.iod.ovsdb.Schema.AtomType;
import dev.iod.ovsdb.Schema.ColumnType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** Reads {@code <database-schema>} of RFC 7047 §3.2. */
final class SchemaReader {
    private SchemaReader() {}

    /** The schema whose START_OBJECT is the parser's current token. */
    static Schema read(JsonParser in) {
        String name = "";
        String version = "";
        var tables = new HashMap<String, Map<String, ColumnType>>();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String member = in.currentName();
            in.nextToken();
            switch (member) {
                case "name" -> name = in.getString();
                case "version" -> version = in.getString();
                case "tables" -> {
                    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                        String table = in.currentName();
                        in.nextToken();
                        tables.put(table, table(in));
                    }
                }
                default -> in.skipChildren();
            }
        }
        return new Schema(name, version, tables);
    }

    private static Map<String, ColumnType> table(JsonParser in) {
        var columns = new HashMap<String, ColumnType>();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean isColumns = in.currentName().equals("columns");
            in.nextToken();
            if (!isColumns) {
                in.skipChildren();
                continue;
            }
            while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                String column = in.currentName();
                in.nextToken();
                columns.put(column, column(in));
            }
        }
        return columns;
    }

    private static ColumnType column(JsonParser in) {
        var type = new ColumnType(AtomType.STRING, Optional.empty(), 1, 1);
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean isType = in.currentName().equals("type");
            in.nextToken();
            if (isType) {
                type = type(in);
            } else {
                in.skipChildren();
            }
        }
        return type;
    }

    private static ColumnType type(JsonParser in) {
        if (in.currentToken() == JsonToken.VALUE_STRING) {
            return new ColumnType(AtomType.of(in.getString()), Optional.empty(), 1, 1);
        }
        AtomType key = AtomType.STRING;
        Optional<AtomType> value = Optional.empty();
        long min = 1;
        long max = 1;
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String member = in.currentName();
            JsonToken token = in.nextToken();
            switch (member) {
                case "key" -> key = base(in);
                case "value" -> value = Optional.of(base(in));
                case "min" -> min = in.getLongValue();
                case "max" ->
                        max = token == JsonToken.VALUE_STRING ? Long.MAX_VALUE : in.getLongValue();
                default -> in.skipChildren();
            }
        }
        return new ColumnType(key, value, min, max);
    }

    private static AtomType base(JsonParser in) {
        if (in.currentToken() == JsonToken.VALUE_STRING) {
            return AtomType.of(in.getString());
        }
        AtomType type = AtomType.STRING;
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean isType = in.currentName().equals("type");
            in.nextToken();
            if (isType) {
                type = AtomType.of(in.getString());
            } else {
                in.skipChildren();
            }
        }
        return type;
    }
}
