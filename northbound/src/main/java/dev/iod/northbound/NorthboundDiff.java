package dev.iod.northbound;

import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Mutation;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The next transaction on the way from what the northbound database holds to what it shall hold. A
 * transaction is bounded; a reference to a row that does not exist yet is left out and follows in a
 * later one. When nothing differs, the transaction is empty.
 */
final class NorthboundDiff {
    /** References that one operation adds to a row. */
    static final int REFERENCES_LIMIT = 1000;

    private final NorthboundPlan plan;
    private final NorthboundState state;
    private final String owner;
    private final int limit;
    private final Set<String> refused;
    private final List<Operation> operations = new ArrayList<>();
    private String last = "";

    /** Names of the rows that this transaction inserts. */
    private final Map<NbTable, Map<String, String>> inserted = new EnumMap<>(NbTable.class);

    /**
     * One transaction.
     *
     * @param last the row that the last operations are about, as in {@code refused}
     */
    record Step(List<Operation> operations, String last) {}

    private NorthboundDiff(
            NorthboundPlan plan,
            NorthboundState state,
            String owner,
            int limit,
            Set<String> refused) {
        this.plan = plan;
        this.state = state;
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
            NorthboundPlan plan,
            NorthboundState state,
            String owner,
            int limit,
            Set<String> refused) {
        var diff = new NorthboundDiff(plan, state, owner, limit, refused);
        // Removed first: a name or an address may move from an old row to a new one.
        for (NbTable table : List.of(NbTable.values()).reversed()) {
            diff.remove(table);
        }
        for (NbTable table : NbTable.values()) {
            for (NbRow row : plan.rows(table).values()) {
                diff.put(row);
            }
        }
        return new Step(List.copyOf(diff.operations), diff.last);
    }

    /** Whether there is room for operations on this row, and it is not one to leave out. */
    private boolean begin(NbTable table, String key) {
        String name = table.schemaName() + " " + key;
        if (operations.size() >= limit || refused.contains(name)) {
            return false;
        }
        last = name;
        return true;
    }

    private void remove(NbTable table) {
        Map<String, NbRow> wanted = plan.rows(table);
        var unwanted = new ArrayList<Row>(state.surplus(table));
        state.rows(table)
                .forEach(
                        (key, row) -> {
                            if (!wanted.containsKey(key)) {
                                unwanted.add(row);
                            }
                        });
        for (Row row : unwanted) {
            if (!begin(table, row.uuid().toString())) {
                continue;
            }
            operations.add(
                    table.parent()
                            .map(parent -> detach(parent, row))
                            .orElseGet(
                                    () ->
                                            Operation.delete(
                                                    table.schemaName(),
                                                    Condition.uuid(row.uuid()))));
        }
    }

    /** A row that is not a root is gone when nothing refers to it. */
    private static Operation detach(NbTable.Parent parent, Row row) {
        return Operation.mutate(
                parent.table().schemaName(),
                Condition.includes(parent.column(), Value.of(row.uuid())),
                Mutation.delete(parent.column(), Value.of(row.uuid())));
    }

    private void put(NbRow row) {
        if (!begin(row.table(), row.key())) {
            return;
        }
        Optional<Row> existing = state.row(row.table(), row.key());
        if (existing.isPresent()) {
            change(row, existing.get());
        } else if (hasParent(row)) {
            insert(row);
        }
    }

    /** Without a parent the database would drop the row again without a word. */
    private boolean hasParent(NbRow row) {
        return row.table()
                .parent()
                .map(
                        parent ->
                                state.row(parent.table(), row.parentKey()).isPresent()
                                        || inserted.getOrDefault(parent.table(), Map.of())
                                                .containsKey(row.parentKey()))
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
                state.row(parent.table(), parentKey)
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
        row.table()
                .parent()
                .filter(parent -> !state.isAttached(row.table(), existing))
                .ifPresent(parent -> attach(parent, row.parentKey(), Value.of(existing.uuid())));
    }

    private List<Mutation> mutations(NbValue.References references, String column, Row existing) {
        var extra = new LinkedHashSet<Atom>();
        var missing = resolved(references);
        for (UUID uuid : existing.refs(column)) {
            if (!missing.remove(Value.of(uuid))) {
                extra.add(Value.of(uuid));
            }
        }
        var mutations = new ArrayList<Mutation>(2);
        // Taken out first: a column may hold one reference only.
        if (!extra.isEmpty()) {
            mutations.add(Mutation.delete(column, Value.set(extra)));
        }
        if (!missing.isEmpty()) {
            List<Atom> some = missing.stream().limit(REFERENCES_LIMIT).toList();
            mutations.add(Mutation.insert(column, Value.set(some)));
        }
        return mutations;
    }

    /** The rows that exist already or are inserted by this transaction. */
    private Set<Atom> resolved(NbValue.References references) {
        var found = new LinkedHashSet<Atom>();
        for (String key : references.keys()) {
            Optional<Atom> existing =
                    state.row(references.table(), key).map(row -> Value.of(row.uuid()));
            Optional<Atom> here =
                    Optional.ofNullable(
                                    inserted.getOrDefault(references.table(), Map.of()).get(key))
                            .map(Value::named);
            existing.or(() -> here).ifPresent(found::add);
        }
        return found;
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
