package dev.iod.bench;

import dev.iod.ovsdb.Atom;
import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Mutation;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Value;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Networks in OVN's northbound database, in the rows the region itself writes: a switch, DHCP
 * options and a localport for metadata each; five networks of a project hang on one router; a
 * project has a security group "default" with all its ports (its members and all out) and one "web"
 * with every other port (22, 80, 443 and ICMP from anywhere); {@code neutron_pg_drop} holds every
 * port. All names and numbers follow from those of network and port.
 */
final class OvnNetworks {
    static final int PROJECT = 5;
    static final int MAX_NETWORKS = 10_000;
    static final int MAX_PORTS_PER_NETWORK = 200;

    private static final String DROP = "neutron_pg_drop";
    private static final Duration DEADLINE = Duration.ofMinutes(5);

    /** Tunnel keys of a network's router interface, metadata port and first server. */
    private static final int ROUTER_KEY = 1;

    private static final int METADATA_KEY = 2;
    private static final int FIRST_KEY = 3;
    private static final int FIRST_DATAPATH_KEY = 65_536;

    private final Replica northbound;
    private final int networks;
    private final int ports;
    private final List<String> hosts;

    /** Rows that changes need, by name. */
    private final Map<String, UUID> rows = new HashMap<>();

    /**
     * @param ports of each network
     * @param hosts where they are requested, in turn
     */
    OvnNetworks(Replica northbound, int networks, int ports, List<String> hosts) {
        this.northbound = northbound;
        this.networks = networks;
        this.ports = ports;
        this.hosts = List.copyOf(hosts);
    }

    static String port(int network, int port) {
        return id("port", network, port);
    }

    /** Twelve hexadecimal digits. */
    static String macDigits(int network, int port) {
        return "fa163e%04x%02x".formatted(network, port);
    }

    private static String mac(int network, int port) {
        return macDigits(network, port).replaceAll("(..)(?=.)", "$1:");
    }

    private static String address(int network, int host) {
        return "10." + (network >> 8) + "." + (network & 0xff) + "." + host;
    }

    private static String id(String kind, int... numbers) {
        StringBuilder text = new StringBuilder(kind);
        for (int number : numbers) {
            text.append(' ').append(number);
        }
        return UUID.nameUUIDFromBytes(text.toString().getBytes(StandardCharsets.UTF_8)).toString();
    }

    private static String group(String name, int project) {
        return "pg_" + id(name, project).replace('-', '_');
    }

    /** All of them, a project a transaction. */
    void make() {
        Batch drop = new Batch();
        List<Atom> acls = new ArrayList<>();
        acls.add(drop.acl("drop in", "to-lport", 1001, "drop", "outport == @" + DROP + " && ip"));
        acls.add(drop.acl("drop out", "from-lport", 1001, "drop", "inport == @" + DROP + " && ip"));
        drop.insert(
                DROP, "Port_Group", Map.of("name", Value.of(DROP), "acls", Value.set(acls)), DROP);
        drop.commit();
        for (int first = 0; first < networks; first += PROJECT) {
            makeProject(first / PROJECT, first, Math.min(networks, first + PROJECT));
        }
    }

    private void makeProject(int project, int from, int to) {
        Batch batch = new Batch();
        List<Atom> all = new ArrayList<>();
        List<Atom> web = new ArrayList<>();
        List<Atom> interfaces = new ArrayList<>();
        for (int network = from; network < to; network++) {
            interfaces.add(makeNetwork(batch, network, all, web));
        }
        String router = "neutron-" + id("router", project);
        batch.insert(
                "router " + project,
                "Logical_Router",
                Map.of(
                        "name",
                        Value.of(router),
                        "enabled",
                        Value.of(true),
                        "ports",
                        Value.set(interfaces),
                        "options",
                        Value.map(
                                Map.of(
                                        "always_learn_from_arp_request",
                                        "false",
                                        "dynamic_neigh_routers",
                                        "true",
                                        "mcast_relay",
                                        "false",
                                        "requested-tnl-key",
                                        "" + (FIRST_DATAPATH_KEY + networks + project)))),
                router);
        String own = group("default", project);
        portGroup(
                batch,
                "default " + project,
                own,
                all,
                List.of(
                        List.of("to-lport", "outport == @%s && ip4 && ip4.src == $%s_ip4"),
                        List.of("to-lport", "outport == @%s && ip6 && ip6.src == $%s_ip6"),
                        List.of("from-lport", "inport == @%s && ip4"),
                        List.of("from-lport", "inport == @%s && ip6")));
        portGroup(
                batch,
                "web " + project,
                group("web", project),
                web,
                List.of(
                        List.of("to-lport", rule(443)),
                        List.of("to-lport", rule(80)),
                        List.of("to-lport", rule(22)),
                        List.of("to-lport", "outport == @%s && ip4 && icmp4")));
        batch.change("Port_Group", DROP, Mutation.insert("ports", Value.set(all)));
        batch.commit();
    }

    private static String rule(int port) {
        return "outport == @%s && ip4 && ip4.src == 0.0.0.0/0 && tcp && tcp.dst == " + port;
    }

    private static void portGroup(
            Batch batch, String row, String name, List<Atom> members, List<List<String>> rules) {
        List<Atom> acls = new ArrayList<>();
        for (List<String> rule : rules) {
            acls.add(
                    batch.acl(
                            row + " rule " + acls.size(),
                            rule.get(0),
                            1002,
                            "allow-related",
                            rule.get(1).formatted(name, name)));
        }
        batch.insert(
                row,
                "Port_Group",
                Map.of(
                        "name",
                        Value.of(name),
                        "ports",
                        Value.set(members),
                        "acls",
                        Value.set(acls)),
                name);
    }

    /**
     * @return the router's port on it
     */
    private Atom makeNetwork(Batch batch, int network, List<Atom> all, List<Atom> web) {
        Atom dhcp =
                batch.insert(
                        "dhcp " + network,
                        "DHCP_Options",
                        Map.of(
                                "cidr",
                                Value.of(address(network, 0) + "/24"),
                                "options",
                                Value.map(dhcpOptions(network))),
                        id("subnet", network));
        String uplink = id("interface", network);
        List<Atom> members = new ArrayList<>();
        members.add(
                switchPort(
                        batch,
                        uplink,
                        "router",
                        Set.of("router"),
                        ROUTER_KEY,
                        Map.of("router-port", "lrp-" + uplink)));
        members.add(
                switchPort(
                        batch,
                        id("metadata", network),
                        "localport",
                        Set.of(mac(network, METADATA_KEY) + " " + address(network, METADATA_KEY)),
                        METADATA_KEY,
                        Map.of()));
        for (int port = 0; port < ports; port++) {
            Atom made = serverPort(batch, network, port, hosts.get(port % hosts.size()), dhcp);
            members.add(made);
            all.add(made);
            if (port % 2 == 0) {
                web.add(made);
            }
        }
        batch.insert(
                "switch " + network,
                "Logical_Switch",
                Map.of(
                        "name",
                        Value.of("neutron-" + id("network", network)),
                        "ports",
                        Value.set(members),
                        "other_config",
                        Value.map(
                                Map.of(
                                        "mcast_snoop",
                                        "false",
                                        "mcast_flood_unregistered",
                                        "false",
                                        "vlan-passthru",
                                        "false",
                                        "requested-tnl-key",
                                        "" + (FIRST_DATAPATH_KEY + network)))),
                "neutron-" + id("network", network));
        return batch.insert(
                "interface " + network,
                "Logical_Router_Port",
                Map.of(
                        "name",
                        Value.of("lrp-" + uplink),
                        "mac",
                        Value.of(mac(network, ROUTER_KEY)),
                        "networks",
                        Value.of(address(network, ROUTER_KEY) + "/24"),
                        "options",
                        Value.map(Map.of("requested-tnl-key", "" + (1 + network % PROJECT)))),
                "lrp-" + uplink);
    }

    private static Map<String, String> dhcpOptions(int network) {
        String gateway = address(network, ROUTER_KEY);
        String metadata = address(network, METADATA_KEY);
        return Map.of(
                "server_id",
                gateway,
                "server_mac",
                mac(network, 0xff),
                "lease_time",
                "43200",
                "mtu",
                "1442",
                "router",
                gateway,
                "dns_server",
                "{192.0.2.53}",
                "classless_static_route",
                "{169.254.169.254/32," + metadata + ", 0.0.0.0/0," + gateway + "}");
    }

    private static Atom serverPort(Batch batch, int network, int port, String host, Atom dhcp) {
        String own = mac(network, FIRST_KEY + port) + " " + address(network, FIRST_KEY + port);
        Map<String, Value> columns =
                new HashMap<>(
                        columns(
                                port(network, port),
                                "",
                                Set.of(own),
                                FIRST_KEY + port,
                                Map.of("requested-chassis", host)));
        columns.put("port_security", Value.of(own));
        columns.put("dhcpv4_options", dhcp);
        return batch.insert(
                "port " + network + " " + port,
                "Logical_Switch_Port",
                columns,
                port(network, port));
    }

    private static Atom switchPort(
            Batch batch,
            String name,
            String type,
            Set<String> addresses,
            int key,
            Map<String, String> options) {
        return batch.insert(
                "port " + name,
                "Logical_Switch_Port",
                columns(name, type, addresses, key, options),
                name);
    }

    private static Map<String, Value> columns(
            String name, String type, Set<String> addresses, int key, Map<String, String> options) {
        Map<String, String> more = new HashMap<>(options);
        more.put("requested-tnl-key", "" + key);
        return Map.of(
                "name",
                Value.of(name),
                "type",
                Value.of(type),
                "enabled",
                Value.of(true),
                "addresses",
                Value.texts(addresses),
                "options",
                Value.map(more));
    }

    /** One more port, on another host, in the project's "default" group. */
    void addPort(int network, int port) {
        Batch batch = new Batch();
        Atom made =
                serverPort(batch, network, port, hosts.getLast(), Value.of(row("dhcp " + network)));
        batch.change("Logical_Switch", "switch " + network, Mutation.insert("ports", made));
        String group = "default " + network / PROJECT;
        batch.change("Port_Group", group, Mutation.insert("ports", made));
        batch.change("Port_Group", DROP, Mutation.insert("ports", made));
        batch.commit();
    }

    /** The project's "web" group lets another port in than before. */
    void changeRule(int project, int port) {
        String name = group("web", project);
        Batch batch = new Batch();
        batch.operations.add(
                Operation.update(
                        "ACL",
                        Condition.uuid(row("web " + project + " rule 0")),
                        Map.of("match", Value.of(rule(port).formatted(name)))));
        batch.commit();
    }

    /** A network with all that hangs on it. */
    void remove(int network) {
        Batch batch = new Batch();
        batch.change(
                "Logical_Router",
                "router " + network / PROJECT,
                Mutation.delete("ports", Value.of(row("interface " + network))));
        for (String row : List.of("Logical_Switch switch ", "DHCP_Options dhcp ")) {
            String[] words = row.split(" ");
            batch.operations.add(
                    Operation.delete(words[0], Condition.uuid(row(words[1] + " " + network))));
        }
        batch.commit();
    }

    private UUID row(String name) {
        UUID uuid = rows.get(name);
        if (uuid == null) {
            throw new BenchException("no row " + name + " was made");
        }
        return uuid;
    }

    /** One transaction, which also asks northd to say when it is done. */
    private final class Batch {
        private final List<Operation> operations = new ArrayList<>();
        private final List<String> names = new ArrayList<>();

        Batch() {
            operations.add(
                    new Operation.Mutate(
                            "NB_Global", List.of(), List.of(Mutation.add("nb_cfg", 1))));
        }

        /**
         * @param row by which {@link OvnNetworks#row} finds it later
         * @param key as the region names it in external_ids
         */
        Atom insert(String row, String table, Map<String, Value> columns, String key) {
            while (names.size() < operations.size()) {
                names.add("");
            }
            names.add(row);
            Map<String, Value> all = new HashMap<>(columns);
            all.put("external_ids", Value.map(Map.of("iod:owner", "bench", "iod:key", key)));
            String name = "row" + operations.size();
            operations.add(Operation.insert(table, name, all));
            return Value.named(name);
        }

        Atom acl(String row, String direction, int priority, String action, String match) {
            return insert(
                    row,
                    "ACL",
                    Map.of(
                            "direction",
                            Value.of(direction),
                            "priority",
                            Value.of((long) priority),
                            "action",
                            Value.of(action),
                            "match",
                            Value.of(match)),
                    row);
        }

        void change(String table, String row, Mutation mutation) {
            operations.add(Operation.mutate(table, Condition.uuid(row(row)), mutation));
        }

        void commit() {
            List<Operation.Result> results = northbound.transactAndWait(operations, DEADLINE);
            for (int i = 0; i < names.size(); i++) {
                String name = names.get(i);
                if (!name.isEmpty()) {
                    results.get(i).uuid().ifPresent(uuid -> rows.put(name, uuid));
                }
            }
        }
    }
}
