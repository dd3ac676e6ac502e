package dev.iod.ovsdb;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** What a server sends (RFC 7047 §4). */
sealed interface Message {
    /** A JSON-RPC id: ours are numbers, the server's may be strings. */
    sealed interface Id {
        record Number(long value) implements Id {}

        record Text(String value) implements Id {}
    }

    record Reply(long id, Body body, Optional<Failure> failure) implements Message {}

    /** An echo request or a notification. */
    record Call(String method, Optional<Id> id, Params params) implements Message {}

    record Params(List<String> texts, List<TableChanges> updates) {
        static final Params NONE = new Params(List.of(), List.of());
    }

    record Failure(String error, String details) {}

    /** The result of a reply, known by its shape: a server may send it before the id. */
    sealed interface Body {
        record Nothing() implements Body {}

        record Outcomes(List<Outcome> outcomes) implements Body {}

        /** Of monitor_cond ({@code since} empty) or monitor_cond_since. */
        record Contents(Optional<Since> since, List<TableChanges> tables) implements Body {}

        record SchemaFound(Schema schema) implements Body {}
    }

    /** Whether the server could continue from the transaction named, and where it is now. */
    record Since(boolean found, String lastTransaction) {}

    /** One element of a transaction's result. */
    sealed interface Outcome {
        record Done(Operation.Result result) implements Outcome {}

        record Failed(Failure failure) implements Outcome {}

        /** Not run, because an earlier operation failed. */
        record Skipped() implements Outcome {}
    }

    record TableChanges(String table, List<RowChange> rows) {}

    /** A row of {@code <table-updates2>} (ovsdb-server(7), "Update2 Notification"). */
    sealed interface RowChange {
        UUID uuid();

        /** The whole row. */
        record Present(Row row) implements RowChange {
            @Override
            public UUID uuid() {
                return row.uuid();
            }
        }

        /** Per column its new value or, for sets and maps, the difference. */
        record Modified(UUID uuid, Map<String, Value> differences) implements RowChange {}

        record Gone(UUID uuid) implements RowChange {}
    }
}
