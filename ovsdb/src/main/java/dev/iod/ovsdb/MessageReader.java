package dev.iod.ovsdb;

import dev.iod.ovsdb.Message.Body;
import dev.iod.ovsdb.Message.Failure;
import dev.iod.ovsdb.Message.Id;
import dev.iod.ovsdb.Message.Outcome;
import dev.iod.ovsdb.Message.Params;
import dev.iod.ovsdb.Message.RowChange;
import dev.iod.ovsdb.Message.Since;
import dev.iod.ovsdb.Message.TableChanges;
import dev.iod.ovsdb.OvsdbException.Category;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.ObjIntConsumer;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads one message after another from a stream, token by token: rows are made as they pass and no
 * document is held. The members of a message come in any order, so results and parameters are told
 * apart by their shape and by what the session expects.
 */
final class MessageReader {
    /** Elements of an echo request that are answered. */
    private static final int PARAMS_LIMIT = 16;

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    // Row uuids are property names: a symbol table would only fill up with them.
                    .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                    .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
                    .build();

    private final JsonParser in;
    private final ValueReader values;
    private Map<String, Row.Layout> layouts = Map.of();
    private Expected expected = Expected.ANY;

    /** What an object as result means. */
    enum Expected {
        ANY,
        SCHEMA,
        CONTENTS
    }

    MessageReader(InputStream stream) {
        // A byte stream would be read at once, to detect an encoding that is always UTF-8
        // (RFC 7047 §4): before the first request there is nothing to read.
        in =
                FACTORY.createParser(
                        ObjectReadContext.empty(),
                        new InputStreamReader(stream, StandardCharsets.UTF_8));
        values = new ValueReader(in);
    }

    void layouts(Map<String, Row.Layout> layouts) {
        this.layouts = layouts;
    }

    void expect(Expected shape) {
        expected = shape;
    }

    /** The next message; empty at the end of the stream. */
    Optional<Message> next() {
        JsonToken token = in.nextToken();
        if (token == null) {
            return Optional.empty();
        }
        require(token == JsonToken.START_OBJECT, "a message must be an object");
        Optional<String> method = Optional.empty();
        Optional<Id> id = Optional.empty();
        Params params = Params.NONE;
        Body body = new Body.Nothing();
        Optional<Failure> failure = Optional.empty();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = in.currentName();
            in.nextToken();
            switch (name) {
                case "method" -> method = Optional.of(in.getString());
                case "id" -> id = id();
                case "params" -> params = params();
                case "result" -> body = body();
                case "error" -> failure = failure();
                default -> in.skipChildren();
            }
        }
        if (method.isPresent()) {
            return Optional.of(new Message.Call(method.get(), id, params));
        }
        if (id.isPresent() && id.get() instanceof Id.Number(long number)) {
            return Optional.of(new Message.Reply(number, body, failure));
        }
        throw protocol("a reply without the id of a request");
    }

    private Optional<Id> id() {
        return switch (in.currentToken()) {
            case VALUE_NUMBER_INT -> Optional.of(new Id.Number(in.getLongValue()));
            case VALUE_STRING -> Optional.of(new Id.Text(in.getString()));
            default -> {
                in.skipChildren();
                yield Optional.empty();
            }
        };
    }

    private Params params() {
        if (in.currentToken() != JsonToken.START_ARRAY) {
            in.skipChildren();
            return Params.NONE;
        }
        var texts = new ArrayList<String>();
        List<TableChanges> updates = List.of();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            if (in.currentToken() == JsonToken.START_OBJECT) {
                updates = tables();
            } else if (in.currentToken() == JsonToken.VALUE_STRING && texts.size() < PARAMS_LIMIT) {
                texts.add(in.getString());
            } else {
                in.skipChildren();
            }
        }
        return new Params(texts, updates);
    }

    private Body body() {
        return switch (in.currentToken()) {
            case START_ARRAY -> arrayBody();
            case START_OBJECT ->
                    switch (expected) {
                        case SCHEMA -> new Body.SchemaFound(SchemaReader.read(in));
                        case CONTENTS -> new Body.Contents(Optional.empty(), tables());
                        case ANY -> {
                            in.skipChildren();
                            yield new Body.Nothing();
                        }
                    };
            default -> new Body.Nothing();
        };
    }

    /** Either {@code [found, last transaction, tables]} or one element per operation. */
    private Body arrayBody() {
        JsonToken first = in.nextToken();
        if (first == JsonToken.VALUE_TRUE || first == JsonToken.VALUE_FALSE) {
            in.nextToken();
            String last = in.getString();
            require(in.nextToken() == JsonToken.START_OBJECT, "monitor contents expected");
            List<TableChanges> tables = tables();
            require(in.nextToken() == JsonToken.END_ARRAY, "end of monitor contents expected");
            return new Body.Contents(
                    Optional.of(new Since(first == JsonToken.VALUE_TRUE, last)), tables);
        }
        var outcomes = new ArrayList<Outcome>();
        for (JsonToken token = first; token != JsonToken.END_ARRAY; token = in.nextToken()) {
            if (token == JsonToken.START_OBJECT) {
                outcomes.add(outcome());
            } else {
                in.skipChildren();
                outcomes.add(new Outcome.Skipped());
            }
        }
        return new Body.Outcomes(outcomes);
    }

    private Outcome outcome() {
        Optional<String> error = Optional.empty();
        String details = "";
        Optional<UUID> uuid = Optional.empty();
        long count = 0;
        List<Map<String, Value>> rows = List.of();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = in.currentName();
            in.nextToken();
            switch (name) {
                case "error" -> error = Optional.of(in.getString());
                case "details" -> details = in.getString();
                case "count" -> count = in.getLongValue();
                case "uuid" -> {
                    if (values.read() instanceof Atom.Ref(UUID inserted)) {
                        uuid = Optional.of(inserted);
                    }
                }
                case "rows" -> rows = selected();
                default -> in.skipChildren();
            }
        }
        if (error.isPresent()) {
            return new Outcome.Failed(new Failure(error.get(), details));
        }
        return new Outcome.Done(new Operation.Result(uuid, count, rows));
    }

    private List<Map<String, Value>> selected() {
        var rows = new ArrayList<Map<String, Value>>();
        while (in.nextToken() == JsonToken.START_OBJECT) {
            var row = new LinkedHashMap<String, Value>();
            while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                String column = in.currentName();
                in.nextToken();
                row.put(column, values.read());
            }
            rows.add(row);
        }
        return rows;
    }

    private Optional<Failure> failure() {
        if (in.currentToken() == JsonToken.VALUE_STRING) {
            return Optional.of(new Failure(in.getString(), ""));
        }
        if (in.currentToken() != JsonToken.START_OBJECT) {
            in.skipChildren();
            return Optional.empty();
        }
        return outcome() instanceof Outcome.Failed(Failure found)
                ? Optional.of(found)
                : Optional.of(new Failure("unknown error", ""));
    }

    /** {@code <table-updates2>}: table, row uuid, kind of change, row. */
    private List<TableChanges> tables() {
        var tables = new ArrayList<TableChanges>();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String table = in.currentName();
            in.nextToken();
            Row.Layout layout = layouts.get(table);
            if (layout == null) {
                in.skipChildren();
                continue;
            }
            var rows = new ArrayList<RowChange>();
            while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                UUID uuid = ValueReader.uuid(in.currentName());
                in.nextToken();
                rowChange(layout, uuid).ifPresent(rows::add);
            }
            tables.add(new TableChanges(table, rows));
        }
        return tables;
    }

    private Optional<RowChange> rowChange(Row.Layout layout, UUID uuid) {
        Optional<RowChange> change = Optional.empty();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            String kind = in.currentName();
            in.nextToken();
            switch (kind) {
                case "initial", "insert" ->
                        change = Optional.of(new RowChange.Present(whole(layout, uuid)));
                case "modify" ->
                        change = Optional.of(new RowChange.Modified(uuid, differences(layout)));
                case "delete" -> {
                    in.skipChildren();
                    change = Optional.of(new RowChange.Gone(uuid));
                }
                default -> in.skipChildren();
            }
        }
        return change;
    }

    private Row whole(Row.Layout layout, UUID uuid) {
        var row = new Value[layout.columns().size()];
        for (int i = 0; i < row.length; i++) {
            row[i] = layout.types().get(i).initial();
        }
        columns(layout, (value, index) -> row[index] = value);
        return new Row(layout, uuid, row);
    }

    private Map<String, Value> differences(Row.Layout layout) {
        var found = new HashMap<String, Value>();
        columns(layout, (value, index) -> found.put(layout.columns().get(index), value));
        return found;
    }

    private void columns(Row.Layout layout, ObjIntConsumer<Value> found) {
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
            int index = layout.index(in.currentName());
            in.nextToken();
            if (index < 0) {
                in.skipChildren();
            } else {
                found.accept(layout.types().get(index).normal(values.read()), index);
            }
        }
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw protocol(message);
        }
    }

    private static OvsdbException protocol(String message) {
        return new OvsdbException(Category.PROTOCOL, message);
    }
}
