package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Update;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * The southbound rows this chassis has read, with the indexes it needs. Belongs to the chassis'
 * thread; rows are shared with the replica and immutable.
 */
final class Model {
    private final Map<String, Map<UUID, Row>> tables = new HashMap<>();
    private final Map<String, Row> portsByName = new HashMap<>();
    private final Map<Long, Row> portsByKey = new HashMap<>();

    /**
     * Changes not yet taken by the chassis' thread. One entry per row, so it is bounded by the
     * selected part of the database.
     */
    static final class Pending {
        private Map<String, Map<UUID, Optional<Row>>> rows = new HashMap<>();

        synchronized void add(List<Update.Change> changes) {
            for (Update.Change change : changes) {
                rows.computeIfAbsent(change.table(), t -> new LinkedHashMap<>())
                        .put(change.uuid(), change.after());
            }
        }

        synchronized Map<String, Map<UUID, Optional<Row>>> take() {
            var taken = rows;
            rows = new HashMap<>();
            return taken;
        }
    }

    /** Applies changes; the tables that had any. */
    Set<String> apply(Map<String, Map<UUID, Optional<Row>>> changes) {
        boolean datapaths = changes.containsKey("Datapath_Binding");
        changes.forEach(
                (table, rows) -> {
                    Map<UUID, Row> known =
                            tables.computeIfAbsent(table, t -> new LinkedHashMap<>());
                    rows.forEach(
                            (uuid, row) ->
                                    row.ifPresentOrElse(
                                            now -> known.put(uuid, now), () -> known.remove(uuid)));
                });
        if (datapaths || changes.containsKey("Port_Binding")) {
            indexPorts();
        }
        return changes.keySet();
    }

    private void indexPorts() {
        portsByName.clear();
        portsByKey.clear();
        for (Row port : rows("Port_Binding")) {
            portsByName.put(port.text("logical_port"), port);
            portKey(port).ifPresent(key -> portsByKey.put(key, port));
        }
    }

    Collection<Row> rows(String table) {
        Map<UUID, Row> rows = tables.get(table);
        return rows == null ? List.of() : rows.values();
    }

    Optional<Row> row(String table, UUID uuid) {
        Map<UUID, Row> rows = tables.get(table);
        return rows == null ? Optional.empty() : Optional.ofNullable(rows.get(uuid));
    }

    Optional<Row> port(String name) {
        return Optional.ofNullable(portsByName.get(name));
    }

    Optional<Row> port(long key) {
        return Optional.ofNullable(portsByKey.get(key));
    }

    /** Tunnel key of a datapath, if its row is here. */
    Optional<Integer> datapathKey(UUID datapath) {
        return row("Datapath_Binding", datapath).map(row -> (int) row.integer("tunnel_key"));
    }

    /** The engine's key of a logical port: datapath key << 16 | port key. */
    Optional<Long> portKey(Row port) {
        return datapathKey(port.ref("datapath"))
                .map(datapath -> (long) datapath << 16 | port.integer("tunnel_key"));
    }

    Optional<Row> chassis(String name) {
        return rows("Chassis").stream().filter(row -> row.text("name").equals(name)).findFirst();
    }

    /**
     * Whether northd has been here. It writes this in the transaction that fills a database which
     * was made anew; until then the absence of rows says nothing. (The row itself is also made by
     * who configures the database's listeners, and DHCP options by a northd without a northbound.)
     */
    boolean filled() {
        return rows("SB_Global").stream()
                .anyMatch(row -> row.map("options").containsKey("northd_internal_version"));
    }

    /** The network configuration number that the rows belong to. */
    long configuration() {
        return rows("SB_Global").stream().mapToLong(row -> row.integer("nb_cfg")).max().orElse(0);
    }

    static String type(Row port) {
        return port.text("type");
    }
}
