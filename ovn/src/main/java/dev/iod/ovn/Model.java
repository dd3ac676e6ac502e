package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Update;
import dev.iod.pipeline.PortKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The southbound rows this chassis has read, with the indexes it needs, kept row by row. Says which
 * facts a change of rows changes. Belongs to the chassis' thread; rows are shared with the replica
 * and immutable.
 */
final class Model {
    private final String chassis;
    private final Map<String, Map<UUID, Row>> tables = new HashMap<>();

    private final Index<String> chassisByName = byText("name");
    private final Index<Long> datapathsByKey =
            new Index<>(row -> Optional.of(row.integer("tunnel_key")));
    private final Index<String> portsByName = byText("logical_port");
    private final Index<UUID> portsByDatapath =
            new Index<>(port -> Optional.of(port.ref("datapath")));
    private final Index<Tunnel> portsByKey =
            new Index<>(
                    port ->
                            Optional.of(
                                    new Tunnel(port.ref("datapath"), port.integer("tunnel_key"))));
    private final Index<String> patchesByPeer = new Index<>(Model::peer);
    private final Index<Fact.Multicast> groupsByName =
            new Index<>(group -> Optional.of(multicast(group)));
    private final Index<String> addressSets = byText("name");
    private final Index<String> portGroups = new Index<>(row -> Optional.of(groupName(row)));
    private final Index<String> neighborsByPort = byText("logical_port");

    private final Map<String, List<Index<?>>> indexes =
            Map.of(
                    "Chassis", List.of(chassisByName),
                    "Datapath_Binding", List.of(datapathsByKey),
                    "Port_Binding",
                            List.of(portsByName, portsByDatapath, portsByKey, patchesByPeer),
                    "Multicast_Group", List.of(groupsByName),
                    "Address_Set", List.of(addressSets),
                    "Port_Group", List.of(portGroups),
                    "MAC_Binding", List.of(neighborsByPort));

    /** A port as tunnels name it. */
    private record Tunnel(UUID datapath, long key) {}

    /** A row before and after a change. */
    private record Changed(String table, UUID uuid, Optional<Row> before, Optional<Row> after) {
        boolean differs(Function<Row, ?> what) {
            return !before.map(what).equals(after.map(what));
        }

        void each(Consumer<Row> what) {
            before.ifPresent(what);
            after.ifPresent(what);
        }
    }

    /**
     * Changes not yet taken by the chassis' thread. One entry per row, so it is bounded by the
     * selected part of the database.
     */
    static final class Pending {
        private Map<String, Map<UUID, Optional<Row>>> rows = new HashMap<>();
        private boolean resync;

        /**
         * @param rows after the last change of each, by table
         * @param resync the replica connected again meanwhile
         */
        record Taken(Map<String, Map<UUID, Optional<Row>>> rows, boolean resync) {}

        synchronized void add(Update update) {
            for (Update.Change change : update.changes()) {
                rows.computeIfAbsent(change.table(), t -> new LinkedHashMap<>())
                        .put(change.uuid(), change.after());
            }
            resync |= update.resync();
        }

        synchronized Taken take() {
            var taken = new Taken(rows, resync);
            rows = new HashMap<>();
            resync = false;
            return taken;
        }
    }

    /**
     * @param chassis name of this chassis
     */
    Model(String chassis) {
        this.chassis = chassis;
    }

    private static Index<String> byText(String column) {
        return new Index<>(row -> Optional.of(row.text(column)));
    }

    /** Applies changes, and then tells all facts that they change. */
    void apply(Map<String, Map<UUID, Optional<Row>>> changes, Consumer<Fact> facts) {
        var applied = new ArrayList<Changed>();
        changes.forEach(
                (table, rows) -> {
                    Map<UUID, Row> known =
                            tables.computeIfAbsent(table, t -> new LinkedHashMap<>());
                    List<Index<?>> kept = indexes.getOrDefault(table, List.of());
                    rows.forEach(
                            (uuid, after) -> {
                                Optional<Row> before = Optional.ofNullable(known.get(uuid));
                                after.ifPresentOrElse(
                                        row -> known.put(uuid, row), () -> known.remove(uuid));
                                kept.forEach(index -> index.change(before, after));
                                applied.add(new Changed(table, uuid, before, after));
                            });
                });
        applied.forEach(change -> tell(change, facts));
    }

    private void tell(Changed change, Consumer<Fact> facts) {
        facts.accept(new Fact.Row(change.table(), change.uuid()));
        switch (change.table()) {
            case "Chassis" -> {
                if (change.differs(Row::uuid)) {
                    change.each(
                            row -> {
                                if (row.text("name").equals(chassis)) {
                                    facts.accept(new Fact.Self());
                                }
                            });
                }
            }
            case "DHCP_Options" -> facts.accept(new Fact.Dhcp());
            case "Datapath_Binding" -> {
                facts.accept(new Fact.Datapath(change.uuid()));
                if (change.differs(row -> row.integer("tunnel_key"))) {
                    for (Row port : portsByDatapath.of(change.uuid())) {
                        facts.accept(new Fact.PortKey(port.text("logical_port")));
                    }
                }
            }
            case "Port_Binding" -> tellPort(change, facts);
            case "Multicast_Group" -> change.each(group -> facts.accept(multicast(group)));
            case "Address_Set" ->
                    change.each(set -> facts.accept(new Fact.Addresses(set.text("name"))));
            case "Port_Group" -> {
                // Its ports are the row's own matter.
                if (change.differs(Model::groupName)) {
                    change.each(group -> facts.accept(new Fact.PortGroup(groupName(group))));
                }
            }
            default -> {}
        }
    }

    private void tellPort(Changed change, Consumer<Fact> facts) {
        boolean key =
                change.differs(
                        row ->
                                List.of(
                                        row.text("logical_port"),
                                        row.ref("datapath"),
                                        row.integer("tunnel_key")));
        boolean binding = change.differs(row -> row.optionalRef("chassis"));
        change.each(
                port -> {
                    String name = port.text("logical_port");
                    facts.accept(new Fact.Port(name));
                    if (key) {
                        facts.accept(new Fact.PortKey(name));
                    }
                    if (key || binding) {
                        facts.accept(new Fact.Binding(name));
                    }
                });
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
        return portsByName.first(name);
    }

    Optional<Row> port(long key) {
        return datapathsByKey
                .first((long) PortKey.datapath(key))
                .flatMap(
                        datapath ->
                                portsByKey.first(new Tunnel(datapath.uuid(), PortKey.port(key))));
    }

    /** Patch ports whose other end has this name. */
    Collection<Row> patchesTo(String peer) {
        return patchesByPeer.of(peer);
    }

    Optional<Row> multicastGroup(UUID datapath, String name) {
        return groupsByName.first(new Fact.Multicast(datapath, name));
    }

    Optional<Row> addressSet(String name) {
        return addressSets.first(name);
    }

    /** The rows of a port group, one for each of its datapaths. */
    Collection<Row> portGroup(String name) {
        return portGroups.of(name);
    }

    /** The learned neighbours of a logical port. */
    Collection<Row> neighbors(String port) {
        return neighborsByPort.of(port);
    }

    /** Tunnel key of a datapath, if its row is here. */
    Optional<Integer> datapathKey(UUID datapath) {
        return row("Datapath_Binding", datapath).map(row -> (int) row.integer("tunnel_key"));
    }

    /** The {@link PortKey} of a logical port, once its datapath's row is here. */
    Optional<Long> portKey(Row port) {
        return datapathKey(port.ref("datapath"))
                .map(datapath -> PortKey.of(datapath, (int) port.integer("tunnel_key")));
    }

    /** The row of this chassis. */
    Optional<Row> chassis() {
        return chassisByName.first(chassis);
    }

    /** The name by which rows refer to this chassis, once it is registered. */
    Optional<UUID> self() {
        return chassis().map(Row::uuid);
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

    /** Name of the port at the other end of a patch port; empty for other ports. */
    static Optional<String> peer(Row port) {
        return type(port).equals("patch")
                ? Optional.ofNullable(port.map("options").get("peer"))
                : Optional.empty();
    }

    private static Fact.Multicast multicast(Row group) {
        return new Fact.Multicast(group.ref("datapath"), group.text("name"));
    }

    /** The southbound has one group per datapath: "KEY_NAME" (ovn-sb(5), Port_Group). */
    static String groupName(Row group) {
        String full = group.text("name");
        return full.substring(full.indexOf('_') + 1);
    }
}
