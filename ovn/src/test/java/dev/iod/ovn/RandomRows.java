package dev.iod.ovn;

import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * A southbound database of chance that changes by chance: rows come, change and go, and refer to
 * each other whether the other is there or not.
 */
final class RandomRows {
    static final String CHASSIS = "n1";
    static final List<String> PORTS = names("p", 24);
    private static final List<String> PATCHES = names("patch", 12);
    private static final List<String> SERVICES = names("meta", 4);
    private static final List<String> SETS = names("as", 3);
    private static final List<String> GROUPS = names("pg", 3);
    private static final int DATAPATHS = 8;

    private final SplittableRandom random;
    private final Map<String, Map<UUID, Row>> tables = new HashMap<>();
    private final Map<String, UUID> uuids = new HashMap<>();
    private int last;

    RandomRows(SplittableRandom random) {
        this.random = random;
    }

    private static List<String> names(String prefix, int count) {
        var names = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            names.add(prefix + i);
        }
        return names;
    }

    /** All rows, as a change from nothing. */
    Map<String, Map<UUID, Optional<Row>>> all() {
        var all = new HashMap<String, Map<UUID, Optional<Row>>>();
        tables.forEach(
                (table, rows) ->
                        rows.forEach(
                                (uuid, row) ->
                                        all.computeIfAbsent(table, t -> new LinkedHashMap<>())
                                                .put(uuid, Optional.of(row))));
        return all;
    }

    /**
     * Some changes.
     *
     * @param removals whether rows may go
     */
    Map<String, Map<UUID, Optional<Row>>> change(boolean removals) {
        var changes = new HashMap<String, Map<UUID, Optional<Row>>>();
        int count = 1 + random.nextInt(4);
        for (int i = 0; i < count; i++) {
            Row row = row();
            Map<UUID, Row> rows = tables.computeIfAbsent(row.table(), t -> new LinkedHashMap<>());
            boolean gone = removals && random.nextInt(3) == 0 && rows.containsKey(row.uuid());
            if (gone) {
                rows.remove(row.uuid());
                uuids.values().remove(row.uuid());
            } else {
                rows.put(row.uuid(), row);
            }
            changes.computeIfAbsent(row.table(), t -> new LinkedHashMap<>())
                    .put(row.uuid(), gone ? Optional.empty() : Optional.of(row));
        }
        return changes;
    }

    /** A thing's row id, another one each time that it was removed. */
    private UUID uuid(String thing) {
        return uuids.computeIfAbsent(
                thing, t -> new UUID(thing.hashCode() * 0x9e3779b97f4a7c15L, ++last));
    }

    private Row row() {
        return switch (random.nextInt(20)) {
            case 0, 1 -> datapath(random.nextInt(DATAPATHS));
            case 2, 3, 4 -> port(pick(PORTS), "", "");
            case 5, 6 -> port(pick(PATCHES), "patch", pick(PATCHES));
            case 7 -> port(pick(SERVICES), "localport", "");
            case 8 -> chassis(random.nextBoolean() ? CHASSIS : "n2");
            case 9 -> encap();
            case 10 -> multicastGroup(random.nextInt(DATAPATHS));
            case 11 -> neighbor("MAC_Binding");
            case 12 -> neighbor("Static_MAC_Binding");
            case 13 -> group(random.nextInt(4));
            case 14 -> addressSet(pick(SETS));
            case 15 -> portGroup(pick(GROUPS), random.nextInt(DATAPATHS));
            case 16 -> dhcpOption(random.nextInt(3));
            default -> flow(random.nextInt(60));
        };
    }

    private String pick(List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    private Value maybe(Value value) {
        return random.nextBoolean() ? Value.set(List.of((Atom) value)) : Value.none();
    }

    private UUID anyDatapath() {
        return uuid("datapath" + random.nextInt(DATAPATHS));
    }

    private Row make(String table, String thing, Object... columns) {
        var values = new LinkedHashMap<String, Value>();
        for (int i = 0; i < columns.length; i += 2) {
            values.put((String) columns[i], (Value) columns[i + 1]);
        }
        return Row.of(table, uuid(thing), values);
    }

    private Row datapath(int number) {
        String kind = number % 3 == 0 ? "logical-router" : "logical-switch";
        return make(
                "Datapath_Binding",
                "datapath" + number,
                "tunnel_key",
                Value.of(number + 1 + (random.nextInt(8) == 0 ? 100L : 0)),
                "external_ids",
                Value.map(Map.of(kind, "id" + number, "name", "net" + random.nextInt(2))));
    }

    /** A port stays on its datapath, as northd's do, but for a few. */
    private Row port(String name, String type, String peer) {
        int home = Math.floorMod(name.hashCode(), DATAPATHS);
        UUID datapath = random.nextInt(8) == 0 ? anyDatapath() : uuid("datapath" + home);
        Map<String, String> options = peer.isEmpty() ? Map.of() : Map.of("peer", peer);
        if (type.isEmpty() && random.nextInt(6) == 0) {
            options = Map.of("requested-chassis", random.nextBoolean() ? CHASSIS : "n2");
        }
        String address = "00:00:00:00:00:0" + random.nextInt(9) + " 10.0.0.1";
        return make(
                "Port_Binding",
                name,
                "logical_port",
                Value.of(name),
                "type",
                Value.of(type),
                "datapath",
                Value.of(datapath),
                "tunnel_key",
                Value.of((name.hashCode() & 0xfff) + 1L),
                "chassis",
                type.isEmpty()
                        ? maybe(Value.of(uuid(random.nextBoolean() ? CHASSIS : "n2")))
                        : Value.none(),
                "mac",
                Value.texts(List.of(address)),
                "port_security",
                random.nextInt(9) == 0
                        ? Value.texts(List.of("nonsense"))
                        : Value.texts(List.of(address)),
                "options",
                Value.map(options),
                "up",
                maybe(Value.of(random.nextBoolean())));
    }

    private Row chassis(String name) {
        return make(
                "Chassis",
                name,
                "name",
                Value.of(name),
                "hostname",
                Value.of(name),
                "encaps",
                Value.refs(List.of(uuid("encap"))),
                "other_config",
                Value.map(Map.of()));
    }

    private Row encap() {
        return make(
                "Encap",
                "encap",
                "type",
                Value.of(random.nextInt(4) == 0 ? "stt" : "geneve"),
                "ip",
                Value.of("192.0.2." + random.nextInt(3)),
                "options",
                Value.map(Map.of()),
                "chassis_name",
                Value.of("n2"));
    }

    private Row multicastGroup(int datapath) {
        var ports = new ArrayList<UUID>();
        for (String port : PORTS) {
            if (Math.floorMod(port.hashCode(), DATAPATHS) == datapath && random.nextBoolean()) {
                ports.add(uuid(port));
            }
        }
        return make(
                "Multicast_Group",
                "flood" + datapath,
                "datapath",
                Value.of(uuid("datapath" + datapath)),
                "name",
                Value.of("_MC_flood"),
                "tunnel_key",
                Value.of(0x8000L + random.nextInt(3)),
                "ports",
                Value.refs(ports));
    }

    private Row neighbor(String table) {
        String port = pick(PATCHES);
        int host = random.nextInt(3);
        return make(
                table,
                table + port + host,
                "logical_port",
                Value.of(port),
                "ip",
                Value.of(random.nextInt(6) == 0 ? "nonsense" : "10.9.0." + host),
                "mac",
                Value.of("00:00:00:00:01:0" + random.nextInt(3)),
                "datapath",
                Value.of(anyDatapath()));
    }

    private Row group(int number) {
        var members = new ArrayList<UUID>();
        for (int i = 0; i < DATAPATHS; i++) {
            if (random.nextBoolean()) {
                members.add(uuid("datapath" + i));
            }
        }
        return make("Logical_DP_Group", "group" + number, "datapaths", Value.refs(members));
    }

    private Row addressSet(String name) {
        var addresses = new ArrayList<String>();
        for (int i = 0; i < random.nextInt(4); i++) {
            addresses.add(
                    switch (random.nextInt(3)) {
                        case 0 -> "10.1.0." + random.nextInt(4);
                        case 1 -> "10.2.0.0/16";
                        default -> "fd01::" + random.nextInt(4);
                    });
        }
        return make(
                "Address_Set", name, "name", Value.of(name), "addresses", Value.texts(addresses));
    }

    private Row portGroup(String name, int datapath) {
        var ports = new ArrayList<String>();
        for (String port : PORTS) {
            if (random.nextInt(6) == 0) {
                ports.add(port);
            }
        }
        return make(
                "Port_Group",
                name + "@" + datapath,
                "name",
                Value.of(datapath + 1 + "_" + name),
                "ports",
                Value.texts(ports));
    }

    private Row dhcpOption(int number) {
        String name = List.of("router", "mtu", "offerip").get(number);
        return make(
                "DHCP_Options",
                "option" + number,
                "name",
                Value.of(name),
                "code",
                Value.of(number == 2 ? 0L : number + 3L + random.nextInt(2)),
                "type",
                Value.of(number == 1 ? "uint16" : "ipv4"));
    }

    private Row flow(int number) {
        boolean own = random.nextInt(3) > 0;
        return make(
                "Logical_Flow",
                "flow" + number,
                "logical_datapath",
                own ? Value.refs(List.of(anyDatapath())) : Value.none(),
                "logical_dp_group",
                own ? Value.none() : Value.refs(List.of(uuid("group" + random.nextInt(4)))),
                "pipeline",
                Value.of(random.nextBoolean() ? "ingress" : "egress"),
                "table_id",
                Value.of((long) random.nextInt(4)),
                "priority",
                Value.of(100L + random.nextInt(3)),
                "match",
                Value.of(match()),
                "actions",
                Value.of(actions()));
    }

    private String match() {
        return switch (random.nextInt(9)) {
            case 0 -> "1";
            case 1 -> "inport == \"" + pick(PORTS) + "\"";
            case 2 -> "inport == \"" + pick(PORTS) + "\" && ip4";
            case 3 -> "inport == @" + pick(GROUPS);
            case 4 -> "ip4.src == $" + pick(SETS) + " && tcp.dst == " + random.nextInt(3);
            case 5 -> "ip6.src == $" + pick(SETS);
            case 6 -> "is_chassis_resident(\"" + pick(PORTS) + "\")";
            case 7 -> "outport == \"_MC_flood\"";
            default -> "no (match";
        };
    }

    private String actions() {
        return switch (random.nextInt(6)) {
            case 0 -> "next;";
            case 1 -> "drop;";
            case 2 -> "outport = \"_MC_flood\"; output;";
            case 3 -> "outport = \"" + pick(PORTS) + "\"; output;";
            case 4 -> "ct_lb;";
            default ->
                    "reg0[3] = put_dhcp_opts(offerip = 10.0.0.4, router = 10.0.0.1, mtu = 1400);"
                            + " next;";
        };
    }
}
