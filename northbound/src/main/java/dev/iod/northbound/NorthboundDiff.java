package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import dev.iod.northbound.NorthboundIndex.Entry;
import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Mutation;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.BiFunction;

/**
 * The next transaction on the way from what the northbound database holds of a unit to what it
 * shall hold. A transaction is bounded; a reference to a row that does not exist yet is left out
 * and follows in a later one. When nothing differs, the transaction is empty.
 */
final class NorthboundDiff {
    private final UnitPlan plan;
    private final NorthboundIndex index;
    private final String owner;
    private final int limit;
    private final Set<String> refused;
    private final List<Operation> operations = new ArrayList<>();
    private final Set<String> missing = new TreeSet<>();
    private String last = "";

    /** Names of the rows that this transaction inserts. */
    private final Map<NbTable, Map<String, String>> inserted = new EnumMap<>(NbTable.class);

    /** Port group → the ports that join it in this transaction, and those that leave. */
    private final Map<UUID, Set<Atom>> joining = new LinkedHashMap<>();

    private final Map<UUID, Set<Atom>> leaving = new LinkedHashMap<>();

    /**
     * One transaction.
     *
     * @param last the row that the last operations are about, as in {@code refused}
     * @param missing port groups that ports cannot join, because they are not there
     */
    record Step(List<Operation> operations, String last, Set<String> missing) {}

    private NorthboundDiff(
            UnitPlan plan, NorthboundIndex index, String owner, int limit, Set<String> refused) {
        this.plan = plan;
        this.index = index;
        this.owner = owner;
        this.limit = limit;
        this.refused = refused;
        for (NbTable table : NbTable.values()) {
            inserted.put(table, new HashMap<>());
        }
    }

    /**
     * @param limit operations after which no further row is begun
     * @param refused rows that the database did not take, to be left out
     */
    static Step next(
            UnitPlan plan, NorthboundIndex index, String owner, int limit, Set<String> refused) {
        return index.read(
                rows -> {
                    var diff = new NorthboundDiff(plan, rows, owner, limit, refused);
                    // Removed first: a name may move from an old row to a new one.
                    diff.remove(diff.unwanted());
                    for (NbTable table : NbTable.values()) {
                        for (NbRow row : plan.rows(table).values()) {
                            diff.put(row);
                        }
                    }
                    return diff.step();
                });
    }

    /** Takes out the rows of ours that say no unit. */
    static Step strays(NorthboundIndex index, String owner, int limit, Set<String> refused) {
        return index.read(
                rows -> {
                    UnitPlan nothing = UnitPlan.nothing(IntentUnit.REGION);
                    var diff = new NorthboundDiff(nothing, rows, owner, limit, refused);
                    diff.remove(rows.strays());
                    return diff.step();
                });
    }

    private Step step() {
        members(leaving, Mutation::delete);
        members(joining, Mutation::insert);
        return new Step(List.copyOf(operations), last, Set.copyOf(missing));
    }

    /** Whether there is room for operations on this row, and it is not one to leave out. */
    private boolean begin(NbTable table, String key) {
        String name = table.schemaName() + " " + key;
        if (operations.size() + moves() >= limit || refused.contains(name)) {
            return false;
        }
        last = name;
        return true;
    }

    private int moves() {
        return joining.values().stream().mapToInt(Set::size).sum()
                + leaving.values().stream().mapToInt(Set::size).sum();
    }

    private List<Entry> unwanted() {
        return index.ofUnit(plan.unit()).stream()
                .filter(entry -> !isWanted(entry))
                .sorted(Comparator.comparing(Entry::table).thenComparing(Entry::key))
                .toList();
    }

    private boolean isWanted(Entry entry) {
        return plan.rows(entry.table()).containsKey(entry.key())
                && index.row(entry.table(), entry.key())
                        .filter(row -> row.uuid().equals(entry.row().uuid()))
                        .isPresent();
    }

    private void remove(List<Entry> unwanted) {
        var deleted = new HashSet<UUID>();
        for (Entry entry : unwanted) {
            UUID uuid = entry.row().uuid();
            Optional<NbTable.Parent> parent = entry.table().parent();
            if (parent.isEmpty()) {
                if (begin(entry.table(), uuid.toString())) {
                    deleted.add(uuid);
                    operations.add(
                            Operation.delete(entry.table().schemaName(), Condition.uuid(uuid)));
                }
                continue;
            }
            // What hangs on a row that goes, or on none, goes by itself.
            Optional<UUID> from = index.parent(uuid).filter(one -> !deleted.contains(one));
            if (from.isPresent() && begin(entry.table(), uuid.toString())) {
                operations.add(detach(parent.get(), from.get(), uuid));
            }
        }
    }

    /** A row that is not a root is gone when nothing refers to it. */
    private static Operation detach(NbTable.Parent parent, UUID from, UUID child) {
        return Operation.mutate(
                parent.table().schemaName(),
                Condition.uuid(from),
                Mutation.delete(parent.column(), Value.of(child)));
    }

    private void put(NbRow row) {
        if (!begin(row.table(), row.key())) {
            return;
        }
        Optional<Row> existing = index.row(row.table(), row.key());
        if (existing.isPresent()) {
            change(row, existing.get());
        } else if (hasParent(row)) {
            insert(row);
        }
        if (row.table() == NbTable.LOGICAL_SWITCH_PORT) {
            move(row.key(), existing);
        }
    }

    /** In the transaction that brings the port: it is never there without its filters. */
    private void move(String port, Optional<Row> existing) {
        Optional<Atom> atom = atom(NbTable.LOGICAL_SWITCH_PORT, port);
        if (atom.isEmpty()) {
            return;
        }
        var left = new HashSet<UUID>();
        existing.ifPresent(row -> left.addAll(index.groups(row.uuid())));
        for (String name : plan.groups().getOrDefault(port, Set.of())) {
            Optional<Row> group = index.row(NbTable.PORT_GROUP, name);
            if (group.isEmpty()) {
                missing.add(name);
            } else if (!left.remove(group.get().uuid())) {
                joining.computeIfAbsent(group.get().uuid(), g -> new LinkedHashSet<>())
                        .add(atom.get());
            }
        }
        left.forEach(
                group ->
                        leaving.computeIfAbsent(group, g -> new LinkedHashSet<>()).add(atom.get()));
    }

    private void members(Map<UUID, Set<Atom>> ports, BiFunction<String, Value, Mutation> how) {
        ports.forEach(
                (group, atoms) ->
                        operations.add(
                                Operation.mutate(
                                        NbTable.PORT_GROUP.schemaName(),
                                        Condition.uuid(group),
                                        how.apply("ports", Value.set(atoms)))));
    }

    /** Without a parent the database would drop the row again without a word. */
    private boolean hasParent(NbRow row) {
        return row.table()
                .parent()
                .map(parent -> atom(parent.table(), row.parentKey()).isPresent())
                .orElse(true);
    }

    private void insert(NbRow row) {
        String name = "row" + operations.size();
        if (row.table().parent().isEmpty()) {
            // Not twice, even when an earlier transaction's answer was lost on the way.
            operations.add(
                    new Operation.Wait(
                            row.table().schemaName(),
                            List.of(byKey(row.key())),
                            List.of("external_ids"),
                            true,
                            List.of(),
                            0));
        }
        var columns = new TreeMap<String, Value>();
        row.columns()
                .forEach(
                        (column, value) ->
                                columns.put(
                                        column,
                                        value instanceof NbValue.References references
                                                ? Value.set(resolved(references))
                                                : written(value, Map.of())));
        operations.add(Operation.insert(row.table().schemaName(), name, columns));
        row.table()
                .parent()
                .ifPresent(parent -> attach(parent, row.parentKey(), Value.named(name)));
        inserted.getOrDefault(row.table(), new HashMap<>()).put(row.key(), name);
    }

    private void attach(NbTable.Parent parent, String parentKey, Atom child) {
        Condition which =
                index.row(parent.table(), parentKey)
                        .map(row -> Condition.uuid(row.uuid()))
                        .orElseGet(() -> byKey(parentKey));
        operations.add(
                Operation.mutate(
                        parent.table().schemaName(),
                        which,
                        Mutation.insert(parent.column(), child)));
    }

    private Condition byKey(String key) {
        return Condition.includes(
                "external_ids", Value.map(Map.of(NbRow.OWNER_ID, owner, NbRow.KEY_ID, key)));
    }

    private void change(NbRow row, Row existing) {
        var changed = new TreeMap<String, Value>();
        var mutations = new ArrayList<Mutation>();
        row.columns()
                .forEach(
                        (column, value) -> {
                            if (value instanceof NbValue.References references) {
                                mutations.addAll(mutations(references, column, existing));
                            } else if (!isSame(value, column, existing)) {
                                changed.put(column, written(value, pairs(value, column, existing)));
                            }
                        });
        String table = row.table().schemaName();
        Condition which = Condition.uuid(existing.uuid());
        if (!changed.isEmpty()) {
            operations.add(Operation.update(table, which, changed));
        }
        if (!mutations.isEmpty()) {
            operations.add(Operation.mutate(table, which, mutations.toArray(Mutation[]::new)));
        }
        // A port of somebody else in a group of ours.
        if (row.table() == NbTable.PORT_GROUP) {
            existing.refs("ports").stream()
                    .filter(port -> !index.has(port))
                    .forEach(
                            port ->
                                    leaving.computeIfAbsent(
                                                    existing.uuid(), g -> new LinkedHashSet<>())
                                            .add(Value.of(port)));
        }
        row.table().parent().ifPresent(parent -> hang(parent, row, existing.uuid()));
    }

    /** On its parent, and on no other. */
    private void hang(NbTable.Parent parent, NbRow row, UUID child) {
        Optional<UUID> on = index.parent(child);
        Optional<UUID> wanted = index.row(parent.table(), row.parentKey()).map(Row::uuid);
        if (on.isPresent() && on.equals(wanted)) {
            return;
        }
        if (atom(parent.table(), row.parentKey()).isPresent()) {
            on.ifPresent(old -> operations.add(detach(parent, old, child)));
            attach(parent, row.parentKey(), Value.of(child));
        }
    }

    private List<Mutation> mutations(NbValue.References references, String column, Row existing) {
        var extra = new LinkedHashSet<Atom>();
        var lacking = resolved(references);
        for (UUID uuid : existing.refs(column)) {
            if (!lacking.remove(Value.of(uuid))) {
                extra.add(Value.of(uuid));
            }
        }
        var mutations = new ArrayList<Mutation>(2);
        // Taken out first: a column may hold one reference only.
        if (!extra.isEmpty()) {
            mutations.add(Mutation.delete(column, Value.set(extra)));
        }
        if (!lacking.isEmpty()) {
            mutations.add(Mutation.insert(column, Value.set(lacking)));
        }
        return mutations;
    }

    /** The rows that exist already or are inserted by this transaction. */
    private Set<Atom> resolved(NbValue.References references) {
        var found = new LinkedHashSet<Atom>();
        references.keys().forEach(key -> atom(references.table(), key).ifPresent(found::add));
        return found;
    }

    private Optional<Atom> atom(NbTable table, String key) {
        Optional<Atom> existing = index.row(table, key).map(row -> Value.of(row.uuid()));
        return existing.or(
                () ->
                        Optional.ofNullable(inserted.getOrDefault(table, Map.of()).get(key))
                                .map(Value::named));
    }

    private static boolean isSame(NbValue value, String column, Row row) {
        return switch (value) {
            case NbValue.Text(String text) -> row.text(column).equals(text);
            case NbValue.Flag(boolean flag) -> row.optionalBool(column).equals(Optional.of(flag));
            case NbValue.Whole(long number) -> row.integer(column) == number;
            case NbValue.Texts(var texts) -> row.texts(column).equals(texts);
            case NbValue.Pairs(var pairs) -> row.map(column).equals(pairs);
            case NbValue.OwnedPairs owned -> row.map(column).equals(owned.over(row.map(column)));
            case NbValue.References ignored ->
                    throw new IllegalArgumentException("references are compared elsewhere");
        };
    }

    private static Map<String, String> pairs(NbValue value, String column, Row row) {
        return value instanceof NbValue.OwnedPairs ? row.map(column) : Map.of();
    }

    private static Value written(NbValue value, Map<String, String> existing) {
        return switch (value) {
            case NbValue.Text(String text) -> Value.of(text);
            case NbValue.Flag(boolean flag) -> Value.of(flag);
            case NbValue.Whole(long number) -> Value.of(number);
            case NbValue.Texts(var texts) -> Value.texts(texts);
            case NbValue.Pairs(var pairs) -> Value.map(pairs);
            case NbValue.OwnedPairs owned -> Value.map(owned.over(existing));
            case NbValue.References ignored ->
                    throw new IllegalArgumentException("references are written elsewhere");
        };
    }
}
