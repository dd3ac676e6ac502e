package dev.iod.northbound;

import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Row;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Our rows in the northbound database, by table and key. Rows of others are not looked at. */
final class NorthboundState {
    private final Map<NbTable, Map<String, Row>> rows = new EnumMap<>(NbTable.class);
    private final Map<NbTable, List<Row>> surplus = new EnumMap<>(NbTable.class);
    private final Map<NbTable, Set<UUID>> attached = new EnumMap<>(NbTable.class);

    /** Collects them; the view has to stay open while this object is used. */
    static NorthboundState of(Replica.View view, String owner) {
        var state = new NorthboundState();
        for (NbTable table : NbTable.values()) {
            var byKey = new HashMap<String, Row>();
            var more = new ArrayList<Row>();
            view.rows(table.schemaName()).forEach(row -> sort(row, owner, byKey, more));
            state.rows.put(table, byKey);
            state.surplus.put(table, more);
            table.parent().ifPresent(parent -> state.attached.put(table, attached(state, parent)));
        }
        return state;
    }

    Optional<Row> row(NbTable table, String key) {
        return Optional.ofNullable(rows.getOrDefault(table, Map.of()).get(key));
    }

    Map<String, Row> rows(NbTable table) {
        return rows.getOrDefault(table, Map.of());
    }

    /** Second rows with a key that another row has: left by a lost answer, to be removed. */
    List<Row> surplus(NbTable table) {
        return surplus.getOrDefault(table, List.of());
    }

    /** Whether a row hangs on a parent of ours. */
    boolean isAttached(NbTable table, Row row) {
        return attached.getOrDefault(table, Set.of()).contains(row.uuid());
    }

    private static void sort(Row row, String owner, Map<String, Row> byKey, List<Row> more) {
        Map<String, String> ids = row.map("external_ids");
        String key = ids.get(NbRow.KEY_ID);
        if (key == null || !owner.equals(ids.get(NbRow.OWNER_ID))) {
            return;
        }
        if (byKey.putIfAbsent(key, row) != null) {
            more.add(row);
        }
    }

    private static Set<UUID> attached(NorthboundState state, NbTable.Parent parent) {
        var children = new HashSet<UUID>();
        for (Row row : state.rows(parent.table()).values()) {
            children.addAll(row.refs(parent.column()));
        }
        return children;
    }
}
