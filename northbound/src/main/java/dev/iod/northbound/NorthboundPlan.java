package dev.iod.northbound;

import dev.iod.network.NetworkSnapshot;
import dev.iod.network.SnapshotIndex;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The rows that OVN's northbound database shall have for the intent of the region: a pure function
 * of the snapshot. Names, options and external ids follow Neutron's ml2/ovn driver, so that OVN's
 * tools and documentation for Neutron apply.
 */
final class NorthboundPlan {
    private final Map<NbTable, SortedMap<String, NbRow>> rows;

    private NorthboundPlan(Collection<NbRow> all) {
        rows = new EnumMap<>(NbTable.class);
        for (NbTable table : NbTable.values()) {
            rows.put(table, new TreeMap<>());
        }
        for (NbRow row : all) {
            if (table(row.table()).put(row.key(), row) != null) {
                throw new IllegalStateException("two rows " + row.key() + " in " + row.table());
            }
        }
    }

    /**
     * @param owner value of {@code external_ids:iod:owner} of every row
     */
    static NorthboundPlan of(NetworkSnapshot snapshot, String owner) {
        var index = new SnapshotIndex(snapshot);
        var all = new ArrayList<NbRow>();
        all.addAll(new DhcpRows(index, owner).rows());
        all.addAll(new SwitchRows(index, owner).rows());
        all.addAll(new RouterRows(index, owner).rows());
        all.addAll(new SecurityGroupRows(index, owner).rows());
        return new NorthboundPlan(all);
    }

    /** Exactly these rows. */
    static NorthboundPlan ofRows(List<NbRow> rows) {
        return new NorthboundPlan(rows);
    }

    /** The rows of a table by key, in the order of the keys. */
    SortedMap<String, NbRow> rows(NbTable table) {
        return Collections.unmodifiableSortedMap(table(table));
    }

    private SortedMap<String, NbRow> table(NbTable table) {
        SortedMap<String, NbRow> found = rows.get(table);
        if (found == null) {
            throw new IllegalStateException("no such table: " + table);
        }
        return found;
    }
}
