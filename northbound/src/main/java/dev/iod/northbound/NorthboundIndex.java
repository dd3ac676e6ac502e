package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Update.Change;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Function;

/**
 * Our rows of the northbound database by key, by unit and by what they hang on. The replica's
 * thread changes it row by row, the reconciler's reads it; thread-safe. Rows of others are not
 * kept, but for the ports of others in groups of ours.
 */
final class NorthboundIndex {
    private static final String MEMBERS = "ports";

    private final String owner;
    private final Map<UUID, Entry> entries = new HashMap<>();
    private final Map<NbTable, Map<String, SortedSet<UUID>>> byKey = new EnumMap<>(NbTable.class);
    private final Map<IntentUnit, Set<UUID>> byUnit = new HashMap<>();
    private final Set<UUID> strays = new HashSet<>();
    private final Map<UUID, UUID> parents = new HashMap<>();
    private final Map<UUID, Set<UUID>> groupsByPort = new HashMap<>();
    private final Set<IntentUnit> touched = new TreeSet<>();
    private final Map<UUID, Boolean> up = new HashMap<>();

    /**
     * A row of ours.
     *
     * @param unit empty when the row says none: it is of an earlier version, or was tampered with
     */
    record Entry(NbTable table, String key, Optional<IntentUnit> unit, Row row) {}

    NorthboundIndex(String owner) {
        this.owner = owner;
        for (NbTable table : NbTable.values()) {
            byKey.put(table, new HashMap<>());
        }
    }

    /** Follows the replica. */
    synchronized void apply(Collection<Change> changes) {
        for (Change change : changes) {
            replace(change.uuid(), change.after().flatMap(this::entry));
        }
        // After all of them: a port joins its group in the update that brings it.
        changes.forEach(this::touch);
    }

    /** Runs several look-ups on one state; updates wait meanwhile, so it must be quick. */
    synchronized <T> T read(Function<NorthboundIndex, T> function) {
        return function.apply(this);
    }

    /**
     * The row with a key. Of several, left by a lost answer or by two writers at once, the one that
     * every control plane takes.
     */
    synchronized Optional<Row> row(NbTable table, String key) {
        SortedSet<UUID> found = keys(table).getOrDefault(key, Collections.emptySortedSet());
        return found.isEmpty()
                ? Optional.empty()
                : Optional.ofNullable(entries.get(found.getFirst())).map(Entry::row);
    }

    /** All rows that say they are part of a unit. */
    synchronized List<Entry> ofUnit(IntentUnit unit) {
        return entries(byUnit.getOrDefault(unit, Set.of()));
    }

    /** All rows of ours that say no unit. */
    synchronized List<Entry> strays() {
        return entries(strays);
    }

    /** Every unit that has rows. */
    synchronized Set<IntentUnit> units() {
        return new TreeSet<>(byUnit.keySet());
    }

    /** The row of ours that a row hangs on. */
    synchronized Optional<UUID> parent(UUID child) {
        return Optional.ofNullable(parents.get(child));
    }

    /** The port groups of ours that a switch port is in. */
    synchronized Set<UUID> groups(UUID port) {
        return Set.copyOf(groupsByPort.getOrDefault(port, Set.of()));
    }

    /** Whether this is a row of ours. */
    synchronized boolean has(UUID uuid) {
        return entries.containsKey(uuid);
    }

    /** Whether OVN reports a port up. */
    synchronized boolean isUp(UUID port) {
        return row(NbTable.LOGICAL_SWITCH_PORT, port.toString())
                .map(NorthboundIndex::isUp)
                .orElse(false);
    }

    /** The units whose rows somebody changed, ourselves included, since they were forgotten. */
    synchronized Set<IntentUnit> takeTouched() {
        var taken = new TreeSet<>(touched);
        touched.clear();
        return taken;
    }

    /** To be called before the unit's rows are looked at. */
    synchronized void forgetTouched(IntentUnit unit) {
        touched.remove(unit);
    }

    synchronized boolean isTouched() {
        return !touched.isEmpty();
    }

    synchronized boolean isTouched(IntentUnit unit) {
        return touched.contains(unit);
    }

    /** The ports that OVN has reported to be up, or not to be, since the last call. */
    synchronized Map<UUID, Boolean> takeUp() {
        var taken = new TreeMap<>(up);
        up.clear();
        return taken;
    }

    private Optional<Entry> entry(Row row) {
        Map<String, String> ids = row.map("external_ids");
        String key = ids.get(NbRow.KEY_ID);
        if (key == null || !owner.equals(ids.get(NbRow.OWNER_ID))) {
            return Optional.empty();
        }
        return NbTable.of(row.table())
                .map(table -> new Entry(table, key, IntentUnit.parse(unit(ids)), row));
    }

    private static String unit(Map<String, String> externalIds) {
        return externalIds.getOrDefault(NbRow.UNIT_ID, "");
    }

    private void replace(UUID uuid, Optional<Entry> after) {
        Optional<Entry> before = Optional.ofNullable(entries.remove(uuid));
        before.ifPresent(entry -> remove(uuid, entry));
        after.ifPresent(entry -> add(uuid, entry));
        for (NbTable table : NbTable.values()) {
            table.parent()
                    .ifPresent(
                            parent -> {
                                Set<UUID> old = refs(before, parent.table(), parent.column());
                                Set<UUID> now = refs(after, parent.table(), parent.column());
                                old.stream()
                                        .filter(child -> !now.contains(child))
                                        .forEach(child -> parents.remove(child, uuid));
                                now.stream()
                                        .filter(child -> !old.contains(child))
                                        .forEach(child -> parents.put(child, uuid));
                            });
        }
        Set<UUID> old = refs(before, NbTable.PORT_GROUP, MEMBERS);
        Set<UUID> now = refs(after, NbTable.PORT_GROUP, MEMBERS);
        old.stream().filter(port -> !now.contains(port)).forEach(port -> leave(port, uuid));
        now.stream()
                .filter(port -> !old.contains(port))
                .forEach(
                        port -> groupsByPort.computeIfAbsent(port, p -> new HashSet<>()).add(uuid));
    }

    private void leave(UUID port, UUID group) {
        groupsByPort.computeIfPresent(
                port,
                (p, groups) -> {
                    groups.remove(group);
                    return groups.isEmpty() ? null : groups;
                });
    }

    private void add(UUID uuid, Entry entry) {
        entries.put(uuid, entry);
        keys(entry.table()).computeIfAbsent(entry.key(), k -> new TreeSet<>()).add(uuid);
        entry.unit()
                .map(unit -> byUnit.computeIfAbsent(unit, u -> new HashSet<>()))
                .orElse(strays)
                .add(uuid);
    }

    private void remove(UUID uuid, Entry entry) {
        drop(keys(entry.table()), entry.key(), uuid);
        entry.unit().ifPresentOrElse(unit -> drop(byUnit, unit, uuid), () -> strays.remove(uuid));
    }

    private static <K, S extends Set<UUID>> void drop(Map<K, S> map, K key, UUID uuid) {
        S set = map.get(key);
        if (set != null && set.remove(uuid) && set.isEmpty()) {
            map.remove(key);
        }
    }

    private void touch(Change change) {
        Optional<Entry> before = change.before().flatMap(this::entry);
        Optional<Entry> after = change.after().flatMap(this::entry);
        if (before.isEmpty() && after.isEmpty()) {
            return;
        }
        NbTable table = before.or(() -> after).orElseThrow().table();
        if (table == NbTable.LOGICAL_SWITCH_PORT) {
            touchUp(before, after);
        }
        if (table == NbTable.PORT_GROUP) {
            touchMembers(before, after);
        }
        if (!before.map(NorthboundIndex::compared).equals(after.map(NorthboundIndex::compared))) {
            before.flatMap(Entry::unit).ifPresent(touched::add);
            after.flatMap(Entry::unit).ifPresent(touched::add);
        }
    }

    /** The columns for which the row's own unit is to be looked at. */
    private static Map<String, Object> compared(Entry entry) {
        var columns = new HashMap<String, Object>();
        for (String column : NorthboundTables.columns(entry.table())) {
            boolean others =
                    switch (entry.table()) {
                        case LOGICAL_SWITCH_PORT -> column.equals("up");
                        case PORT_GROUP -> column.equals(MEMBERS);
                        default -> false;
                    };
            if (!others) {
                columns.put(column, entry.row().value(column));
            }
        }
        return columns;
    }

    private void touchUp(Optional<Entry> before, Optional<Entry> after) {
        boolean now = after.map(entry -> isUp(entry.row())).orElse(false);
        if (before.map(entry -> isUp(entry.row())).orElse(false) != now) {
            String key = before.or(() -> after).orElseThrow().key();
            SwitchRows.portId(key).ifPresent(port -> up.put(port, now));
        }
    }

    private void touchMembers(Optional<Entry> before, Optional<Entry> after) {
        Set<UUID> old = refs(before, NbTable.PORT_GROUP, MEMBERS);
        Set<UUID> now = refs(after, NbTable.PORT_GROUP, MEMBERS);
        var changed = new HashSet<UUID>(old);
        changed.addAll(now);
        changed.removeIf(port -> old.contains(port) == now.contains(port));
        for (UUID port : changed) {
            Optional<Entry> ours = Optional.ofNullable(entries.get(port));
            // A port of somebody else has no business in our group: that is the group's to mend.
            Optional<Entry> group = now.contains(port) ? after : Optional.empty();
            ours.or(() -> group).flatMap(Entry::unit).ifPresent(touched::add);
        }
    }

    private static boolean isUp(Row row) {
        return row.optionalBool("up").orElse(false);
    }

    private static Set<UUID> refs(Optional<Entry> entry, NbTable table, String column) {
        return entry.filter(one -> one.table() == table)
                .<Set<UUID>>map(one -> new HashSet<>(one.row().refs(column)))
                .orElse(Set.of());
    }

    private Map<String, SortedSet<UUID>> keys(NbTable table) {
        return byKey.computeIfAbsent(table, t -> new HashMap<>());
    }

    private List<Entry> entries(Set<UUID> uuids) {
        var found = new ArrayList<Entry>();
        uuids.forEach(uuid -> Optional.ofNullable(entries.get(uuid)).ifPresent(found::add));
        return found;
    }
}
