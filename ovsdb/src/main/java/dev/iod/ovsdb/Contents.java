package dev.iod.ovsdb;

import dev.iod.ovsdb.Message.RowChange;
import dev.iod.ovsdb.Message.TableChanges;
import dev.iod.ovsdb.OvsdbException.Category;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The rows of the replicated tables and how updates change them; not thread-safe. */
final class Contents {
    private final Map<String, Map<UUID, Row>> tables = new HashMap<>();
    private Map<String, Row.Layout> layouts = Map.of();

    /** Sets the columns of each table; true when they are not what they were. */
    boolean layouts(Map<String, Row.Layout> layouts) {
        boolean changed = !this.layouts.equals(layouts);
        this.layouts = layouts;
        return changed;
    }

    Map<UUID, Row> table(String name) {
        Map<UUID, Row> rows = tables.get(name);
        return rows == null ? Map.of() : Collections.unmodifiableMap(rows);
    }

    /** Applies the differences of one update. */
    List<Update.Change> apply(Collection<TableChanges> updates) {
        var changes = new ArrayList<Update.Change>();
        for (TableChanges update : updates) {
            Map<UUID, Row> rows =
                    tables.computeIfAbsent(update.table(), t -> new LinkedHashMap<>());
            for (RowChange change : update.rows()) {
                apply(update.table(), rows, change).ifPresent(changes::add);
            }
        }
        return changes;
    }

    private Optional<Update.Change> apply(String table, Map<UUID, Row> rows, RowChange change) {
        Optional<Row> before = Optional.ofNullable(rows.get(change.uuid()));
        Optional<Row> after =
                switch (change) {
                    case RowChange.Present(Row row) -> Optional.of(row);
                    case RowChange.Gone ignored -> Optional.empty();
                    case RowChange.Modified(UUID uuid, Map<String, Value> differences) ->
                            Optional.of(
                                    modified(
                                            before.orElseThrow(() -> unknown(table, uuid)),
                                            differences));
                };
        after.ifPresentOrElse(
                row -> rows.put(change.uuid(), row), () -> rows.remove(change.uuid()));
        if (before.isEmpty() && after.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Update.Change(table, change.uuid(), before, after));
    }

    /** Makes these rows the whole contents and says what differs from before. */
    List<Update.Change> replace(Collection<TableChanges> updates) {
        Map<String, Map<UUID, Row>> fresh = new HashMap<>();
        var scratch = new Contents();
        boolean first = scratch.layouts(layouts);
        assert first || layouts.isEmpty();
        scratch.apply(updates);
        var changes = new ArrayList<Update.Change>();
        var names = new LinkedHashSet<>(tables.keySet());
        names.addAll(scratch.tables.keySet());
        for (String name : names) {
            Map<UUID, Row> old = table(name);
            Map<UUID, Row> now = scratch.table(name);
            var rows = new LinkedHashMap<UUID, Row>();
            now.forEach(
                    (uuid, row) -> {
                        Row before = old.get(uuid);
                        boolean same = before != null && before.sameValues(row);
                        rows.put(uuid, same && before != null ? before : row);
                        if (!same) {
                            changes.add(
                                    new Update.Change(
                                            name,
                                            uuid,
                                            Optional.ofNullable(before),
                                            Optional.of(row)));
                        }
                    });
            old.forEach(
                    (uuid, row) -> {
                        if (!now.containsKey(uuid)) {
                            changes.add(
                                    new Update.Change(
                                            name, uuid, Optional.of(row), Optional.empty()));
                        }
                    });
            fresh.put(name, rows);
        }
        tables.clear();
        tables.putAll(fresh);
        return changes;
    }

    private Row modified(Row row, Map<String, Value> differences) {
        Row.Layout layout = layouts.get(row.table());
        if (layout == null) {
            throw new OvsdbException(Category.PROTOCOL, "update of unknown table " + row.table());
        }
        Value[] values = row.values();
        differences.forEach(
                (column, difference) -> {
                    int index = layout.index(column);
                    values[index] =
                            difference(layout.types().get(index), values[index], difference);
                });
        return new Row(layout, row.uuid(), values);
    }

    /** ovsdb-server(7), "Update2 Notification", {@code <row>} of "modify". */
    private static Value difference(Schema.ColumnType type, Value old, Value difference) {
        if (type.map()
                && old instanceof Value.Entries(Map<Atom, Atom> before)
                && difference instanceof Value.Entries(Map<Atom, Atom> changed)) {
            var map = new LinkedHashMap<>(before);
            changed.forEach(
                    (key, value) -> {
                        if (value.equals(map.get(key))) {
                            map.remove(key);
                        } else {
                            map.put(key, value);
                        }
                    });
            return new Value.Entries(map);
        }
        if (type.max() > 1
                && old instanceof Value.Items(var before)
                && difference instanceof Value.Items(var changed)) {
            var set = new LinkedHashSet<>(before);
            for (Atom atom : changed) {
                if (!set.remove(atom)) {
                    set.add(atom);
                }
            }
            return new Value.Items(set);
        }
        return difference;
    }

    private static OvsdbException unknown(String table, UUID uuid) {
        return new OvsdbException(
                Category.PROTOCOL, "update of a row that is not there: " + table + " " + uuid);
    }
}
