package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/** What the northbound database shall hold for one unit; nothing when the unit is gone. */
final class UnitPlan {
    private final IntentUnit unit;
    private final Map<NbTable, SortedMap<String, NbRow>> rows;
    private final SortedMap<String, Set<String>> groups;
    private final Map<UUID, Boolean> active;

    private UnitPlan(Builder builder) {
        unit = builder.unit;
        rows = builder.rows;
        groups = builder.groups;
        active = builder.active;
    }

    /** The unit is gone. */
    static UnitPlan nothing(IntentUnit unit) {
        return new Builder(unit).build();
    }

    IntentUnit unit() {
        return unit;
    }

    /** The rows of a table by key, in the order of the keys. */
    SortedMap<String, NbRow> rows(NbTable table) {
        return Collections.unmodifiableSortedMap(
                rows.getOrDefault(table, Collections.emptySortedMap()));
    }

    /** How many rows there are. */
    long size() {
        return rows.values().stream().mapToLong(Map::size).sum();
    }

    /** Switch port → the port groups that it is in and no others; both by key. */
    SortedMap<String, Set<String>> groups() {
        return Collections.unmodifiableSortedMap(groups);
    }

    /** What SQL says of the ports: whether OVN has reported them up. */
    Map<UUID, Boolean> active() {
        return Collections.unmodifiableMap(active);
    }

    /** Collects the rows of one unit. */
    static final class Builder {
        private final IntentUnit unit;
        private final Map<NbTable, SortedMap<String, NbRow>> rows = new EnumMap<>(NbTable.class);
        private final SortedMap<String, Set<String>> groups = new TreeMap<>();
        private final Map<UUID, Boolean> active = new HashMap<>();

        Builder(IntentUnit unit) {
            this.unit = unit;
        }

        IntentUnit unit() {
            return unit;
        }

        void add(NbRow row) {
            var table = rows.computeIfAbsent(row.table(), t -> new TreeMap<>());
            if (table.put(row.key(), row) != null) {
                throw new IllegalStateException("two rows " + row.key() + " in " + row.table());
            }
        }

        void join(String port, Set<String> portGroups) {
            groups.put(port, Set.copyOf(portGroups));
        }

        void active(UUID port, boolean recorded) {
            active.put(port, recorded);
        }

        UnitPlan build() {
            return new UnitPlan(this);
        }
    }
}
