package dev.iod.ovsdb;

import java.io.ByteArrayOutputStream;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes requests (RFC 7047 §4 and §5, ovsdb-server(7)). */
final class MessageWriter {
    private static final JsonFactory FACTORY = JsonFactory.builder().build();

    private MessageWriter() {}

    static byte[] schema(long id, String database) {
        return request(id, "get_schema", out -> out.writeString(database));
    }

    static byte[] echo(long id) {
        return request(id, "echo", out -> {});
    }

    static byte[] echoReply(Message.Call echo) {
        return message(
                out -> {
                    out.writeName("id");
                    switch (echo.id().orElse(new Message.Id.Text("echo"))) {
                        case Message.Id.Number(long value) -> out.writeNumber(value);
                        case Message.Id.Text(String value) -> out.writeString(value);
                    }
                    out.writeName("result").writeStartArray();
                    echo.params().texts().forEach(out::writeString);
                    out.writeEndArray();
                    out.writeNullProperty("error");
                });
    }

    /** {@code monitor_cond_since} after a transaction, or {@code monitor_cond} without one. */
    static byte[] monitor(
            long id,
            String database,
            String monitor,
            Collection<Row.Layout> layouts,
            Map<String, List<Condition>> conditions,
            Optional<UUID> since) {
        String method = since.isPresent() ? "monitor_cond_since" : "monitor_cond";
        return request(
                id,
                method,
                out -> {
                    out.writeString(database);
                    out.writeString(monitor);
                    out.writeStartObject();
                    for (Row.Layout layout : layouts) {
                        out.writeName(layout.table()).writeStartArray().writeStartObject();
                        out.writeName("columns").writeStartArray();
                        layout.columns().forEach(out::writeString);
                        out.writeEndArray();
                        List<Condition> where = conditions.get(layout.table());
                        if (where != null) {
                            out.writeName("where");
                            alternatives(out, where);
                        }
                        out.writeEndObject().writeEndArray();
                    }
                    out.writeEndObject();
                    since.ifPresent(uuid -> out.writeString(uuid.toString()));
                });
    }

    static byte[] conditionChange(
            long id, String monitor, Map<String, List<Condition>> conditions) {
        return request(
                id,
                "monitor_cond_change",
                out -> {
                    out.writeString(monitor);
                    out.writeString(monitor);
                    out.writeStartObject();
                    conditions.forEach(
                            (table, where) -> {
                                out.writeName(table).writeStartArray().writeStartObject();
                                out.writeName("where");
                                alternatives(out, where);
                                out.writeEndObject().writeEndArray();
                            });
                    out.writeEndObject();
                });
    }

    static byte[] transact(long id, String database, List<Operation> operations) {
        return request(
                id,
                "transact",
                out -> {
                    out.writeString(database);
                    operations.forEach(operation -> operation(out, operation));
                });
    }

    /** A monitor's "where" joins by "or", unlike an operation's; false alone selects nothing. */
    private static void alternatives(JsonGenerator out, List<Condition> where) {
        out.writeStartArray();
        if (where.isEmpty()) {
            out.writeBoolean(false);
        }
        where.forEach(condition -> condition(out, condition));
        out.writeEndArray();
    }

    private static void operation(JsonGenerator out, Operation operation) {
        out.writeStartObject();
        switch (operation) {
            case Operation.Insert insert -> {
                head(out, "insert", insert.table());
                insert.name().ifPresent(name -> out.writeStringProperty("uuid-name", name));
                out.writeName("row");
                row(out, insert.row());
            }
            case Operation.Update update -> {
                head(out, "update", update.table());
                where(out, update.where());
                out.writeName("row");
                row(out, update.row());
            }
            case Operation.Mutate mutate -> {
                head(out, "mutate", mutate.table());
                where(out, mutate.where());
                out.writeName("mutations").writeStartArray();
                for (Mutation mutation : mutate.mutations()) {
                    out.writeStartArray().writeString(mutation.column());
                    out.writeString(mutation.mutator());
                    value(out, mutation.value());
                    out.writeEndArray();
                }
                out.writeEndArray();
            }
            case Operation.Delete delete -> {
                head(out, "delete", delete.table());
                where(out, delete.where());
            }
            case Operation.Select select -> {
                head(out, "select", select.table());
                where(out, select.where());
                columns(out, select.columns());
            }
            case Operation.Wait wait -> {
                head(out, "wait", wait.table());
                where(out, wait.where());
                columns(out, wait.columns());
                out.writeStringProperty("until", wait.equal() ? "==" : "!=");
                out.writeName("rows").writeStartArray();
                wait.rows().forEach(row -> row(out, row));
                out.writeEndArray();
                out.writeNumberProperty("timeout", wait.timeoutMillis());
            }
            case Operation.Comment comment -> {
                out.writeStringProperty("op", "comment");
                out.writeStringProperty("comment", comment.text());
            }
        }
        out.writeEndObject();
    }

    private static void head(JsonGenerator out, String operation, String table) {
        out.writeStringProperty("op", operation);
        out.writeStringProperty("table", table);
    }

    private static void columns(JsonGenerator out, List<String> columns) {
        out.writeName("columns").writeStartArray();
        columns.forEach(out::writeString);
        out.writeEndArray();
    }

    private static void where(JsonGenerator out, List<Condition> where) {
        out.writeName("where").writeStartArray();
        where.forEach(condition -> condition(out, condition));
        out.writeEndArray();
    }

    private static void condition(JsonGenerator out, Condition condition) {
        out.writeStartArray();
        out.writeString(condition.column());
        out.writeString(condition.function().wire);
        value(out, condition.value());
        out.writeEndArray();
    }

    private static void row(JsonGenerator out, Map<String, Value> row) {
        out.writeStartObject();
        row.forEach(
                (column, value) -> {
                    out.writeName(column);
                    value(out, value);
                });
        out.writeEndObject();
    }

    private static void value(JsonGenerator out, Value value) {
        switch (value) {
            case Atom atom -> atom(out, atom);
            case Value.Items items -> {
                out.writeStartArray().writeString("set").writeStartArray();
                items.atoms().forEach(atom -> atom(out, atom));
                out.writeEndArray().writeEndArray();
            }
            case Value.Entries entries -> {
                out.writeStartArray().writeString("map").writeStartArray();
                entries.atoms()
                        .forEach(
                                (key, mapped) -> {
                                    out.writeStartArray();
                                    atom(out, key);
                                    atom(out, mapped);
                                    out.writeEndArray();
                                });
                out.writeEndArray().writeEndArray();
            }
        }
    }

    private static void atom(JsonGenerator out, Atom atom) {
        switch (atom) {
            case Atom.Int(long value) -> out.writeNumber(value);
            case Atom.Real(double value) -> out.writeNumber(value);
            case Atom.Bool(boolean value) -> out.writeBoolean(value);
            case Atom.Text(String value) -> out.writeString(value);
            case Atom.Ref(UUID value) -> tagged(out, "uuid", value.toString());
            case Atom.NamedRef(String value) -> tagged(out, "named-uuid", value);
        }
    }

    private static void tagged(JsonGenerator out, String tag, String value) {
        out.writeStartArray().writeString(tag).writeString(value).writeEndArray();
    }

    private static byte[] request(long id, String method, Consumer<JsonGenerator> params) {
        return message(
                out -> {
                    out.writeNumberProperty("id", id);
                    out.writeStringProperty("method", method);
                    out.writeName("params").writeStartArray();
                    params.accept(out);
                    out.writeEndArray();
                });
    }

    private static byte[] message(Consumer<JsonGenerator> members) {
        var bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator out = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            out.writeStartObject();
            members.accept(out);
            out.writeEndObject();
        }
        return bytes.toByteArray();
    }
}
