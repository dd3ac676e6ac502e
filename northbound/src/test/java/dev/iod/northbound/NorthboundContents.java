package dev.iod.northbound;

import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What a plan says and what a northbound database holds, both as texts: row → column → contents,
 * references by key. It shares no code with {@link NorthboundDiff}.
 */
final class NorthboundContents {
    private NorthboundContents() {}

    static SortedMap<String, SortedMap<String, String>> of(NorthboundPlan plan) {
        var contents = new TreeMap<String, SortedMap<String, String>>();
        for (UnitPlan unit : plan.units().values()) {
            for (NbTable table : NbTable.values()) {
                for (NbRow row : unit.rows(table).values()) {
                    var columns = new TreeMap<String, String>();
                    row.columns().forEach((column, value) -> columns.put(column, text(value)));
                    columns.put(
                            "on",
                            joined(table.parent().isEmpty() ? Set.of() : Set.of(row.parentKey())));
                    if (table == NbTable.LOGICAL_SWITCH_PORT) {
                        columns.put("in", joined(unit.groups().getOrDefault(row.key(), Set.of())));
                    }
                    contents.put(table.schemaName() + " " + row.key(), columns);
                }
            }
        }
        return contents;
    }

    static SortedMap<String, SortedMap<String, String>> of(Replica replica, String owner) {
        return replica.read(view -> of(view, owner));
    }

    private static SortedMap<String, SortedMap<String, String>> of(
            Replica.View view, String owner) {
        var keys = new HashMap<UUID, String>();
        var parents = new HashMap<UUID, Set<String>>();
        for (NbTable table : NbTable.values()) {
            view.rows(table.schemaName())
                    .filter(row -> owner.equals(row.map("external_ids").get(NbRow.OWNER_ID)))
                    .forEach(
                            row -> keys.put(row.uuid(), row.map("external_ids").get(NbRow.KEY_ID)));
        }
        for (NbTable table : NbTable.values()) {
            table.parent()
                    .ifPresent(
                            parent ->
                                    collect(view, parent.table(), parent.column(), keys, parents));
        }
        var groups = new HashMap<UUID, Set<String>>();
        collect(view, NbTable.PORT_GROUP, "ports", keys, groups);
        var contents = new TreeMap<String, SortedMap<String, String>>();
        for (NbTable table : NbTable.values()) {
            view.rows(table.schemaName())
                    .filter(row -> keys.containsKey(row.uuid()))
                    .forEach(
                            row -> {
                                var columns = columns(table, row, keys);
                                columns.put(
                                        "on", joined(parents.getOrDefault(row.uuid(), Set.of())));
                                if (table == NbTable.LOGICAL_SWITCH_PORT) {
                                    columns.put(
                                            "in",
                                            joined(groups.getOrDefault(row.uuid(), Set.of())));
                                }
                                String name = table.schemaName() + " " + keys.get(row.uuid());
                                if (contents.put(name, columns) != null) {
                                    contents.put("twice: " + name, columns);
                                }
                            });
        }
        return contents;
    }

    private static void collect(
            Replica.View view,
            NbTable table,
            String column,
            Map<UUID, String> keys,
            Map<UUID, Set<String>> byChild) {
        view.rows(table.schemaName())
                .filter(row -> keys.containsKey(row.uuid()))
                .forEach(
                        row ->
                                row.refs(column)
                                        .forEach(
                                                child ->
                                                        byChild.computeIfAbsent(
                                                                        child, c -> new TreeSet<>())
                                                                .add(keys.get(row.uuid()))));
    }

    private static SortedMap<String, String> columns(
            NbTable table, Row row, Map<UUID, String> keys) {
        var columns = new TreeMap<String, String>();
        Set<String> children =
                switch (table) {
                    case LOGICAL_SWITCH, LOGICAL_ROUTER -> Set.of("ports");
                    case PORT_GROUP -> Set.of("ports", "acls");
                    case LOGICAL_SWITCH_PORT -> Set.of("up");
                    case DHCP_OPTIONS, LOGICAL_ROUTER_PORT, ACL -> Set.of();
                };
        for (String column : NorthboundTables.columns(table)) {
            if (!children.contains(column)) {
                columns.put(column, text(row.value(column), keys));
            }
        }
        return columns;
    }

    private static String text(NbValue value) {
        return switch (value) {
            case NbValue.Text(String text) -> text;
            case NbValue.Flag(boolean flag) -> joined(List.of(Boolean.toString(flag)));
            case NbValue.Whole(long number) -> Long.toString(number);
            case NbValue.Texts(var texts) -> joined(texts);
            case NbValue.Pairs(var pairs) -> pairs.toString();
            case NbValue.OwnedPairs(var pairs, var ignored) -> pairs.toString();
            case NbValue.References(var ignored, var references) -> joined(references);
        };
    }

    private static String text(Value value, Map<UUID, String> keys) {
        return switch (value) {
            case Atom atom -> atom(atom, keys);
            case Value.Items(var atoms) ->
                    joined(atoms.stream().map(atom -> atom(atom, keys)).toList());
            case Value.Entries(var entries) ->
                    entries.entrySet().stream()
                            .collect(
                                    Collectors.toMap(
                                            entry -> atom(entry.getKey(), keys),
                                            entry -> atom(entry.getValue(), keys),
                                            (one, other) -> one,
                                            TreeMap::new))
                            .toString();
        };
    }

    private static String atom(Atom atom, Map<UUID, String> keys) {
        return switch (atom) {
            case Atom.Text(String text) -> text;
            case Atom.Bool(boolean flag) -> Boolean.toString(flag);
            case Atom.Int(long number) -> Long.toString(number);
            case Atom.Ref(UUID uuid) ->
                    Optional.ofNullable(keys.get(uuid)).orElse("foreign " + uuid);
            case Atom other -> other.toString();
        };
    }

    private static String joined(Collection<String> texts) {
        return List.copyOf(new TreeSet<>(texts)).toString();
    }
}
