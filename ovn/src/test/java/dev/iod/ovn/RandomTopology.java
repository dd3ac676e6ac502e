package dev.iod.ovn;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * One to three networks, mostly joined by a router, with ports, port security and security groups
 * of chance. All names begin with the topology's number, so that many live in one database.
 */
final class RandomTopology {
    /** The chassis whose ports are reached by tunnels. */
    static final String REMOTE_ADDRESS = "192.168.60.2";

    final int number;
    final Random random;
    final List<Network> networks = new ArrayList<>();
    final List<Host> hosts = new ArrayList<>();
    boolean routed;
    int routes;

    /**
     * @param six whether it has IPv6 addresses
     */
    record Network(RandomTopology topology, int index, boolean six) {
        String name() {
            return "t" + topology.number + "n" + index;
        }

        String prefix4() {
            return "10." + topology.number + "." + index + ".";
        }

        String prefix6() {
            return "fd%02x:%x::".formatted(topology.number, index);
        }

        String routerPort() {
            return "lrp-" + name();
        }

        String routerMac() {
            return "fa:16:3e:%02x:%02x:01".formatted(topology.number, index);
        }
    }

    /** What a port may send and receive. */
    enum Security {
        OFF,
        MAC,
        ADDRESSES,
        /** A whole prefix, which its own address is not in. */
        PREFIX,
        /** Two addresses, the second of another MAC. */
        TWO
    }

    record Host(Network network, int index, Security security, boolean remote, boolean unknown) {
        String name() {
            return network.name() + "h" + index;
        }

        String mac() {
            return "fa:16:3e:%02x:%02x:1%x"
                    .formatted(network.topology().number, network.index(), index);
        }

        /** The address of a second machine behind the port. */
        String otherMac() {
            return "fa:16:3e:%02x:%02x:2%x"
                    .formatted(network.topology().number, network.index(), index);
        }

        String ip4() {
            return network.prefix4() + (10 + index);
        }

        String otherIp4() {
            return network.prefix4() + (40 + index);
        }

        /** A prefix of addresses it may also use. */
        String behind() {
            return "172.%d.%d.".formatted(16 + network.index(), 10 + index);
        }

        String ip6() {
            return network.prefix6() + (10 + index);
        }

        String linkLocal() {
            return "fe80::f816:3eff:fe%02x:%x"
                    .formatted(network.topology().number, network.index() << 8 | 16 + index);
        }

        private String addresses() {
            return mac() + " " + ip4() + (network.six() ? " " + ip6() : "");
        }

        private List<String> allowed() {
            return switch (security) {
                case OFF -> List.of();
                case MAC -> List.of(mac());
                case ADDRESSES -> List.of(addresses());
                case PREFIX -> List.of(addresses() + " " + behind() + "0/24");
                case TWO -> List.of(addresses(), otherMac() + " " + otherIp4());
            };
        }
    }

    RandomTopology(int number, long seed) {
        this.number = number;
        this.random = new Random(seed * 1000 + number);
        int count = 1 + random.nextInt(3);
        routed = count > 1 || random.nextInt(4) > 0;
        for (int i = 1; i <= count; i++) {
            var network = new Network(this, i, random.nextInt(4) > 0);
            networks.add(network);
            int members = 2 + random.nextInt(3);
            for (int k = 1; k <= members; k++) {
                hosts.add(
                        new Host(
                                network,
                                k,
                                one(List.of(Security.values())),
                                !hosts.isEmpty() && random.nextInt(5) == 0,
                                random.nextInt(8) == 0));
            }
        }
    }

    <T> T one(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    String router() {
        return "t" + number + "r";
    }

    /** ovn-nbctl's commands, one list each. */
    List<List<String>> commands() {
        var all = new ArrayList<List<String>>();
        if (routed) {
            all.add(List.of("lr-add", router()));
            all.add(
                    List.of(
                            "set",
                            "Logical_Router",
                            router(),
                            "options:dynamic_neigh_routers=" + random.nextBoolean(),
                            "options:always_learn_from_arp_request=" + (random.nextInt(5) == 0)));
        }
        networks.forEach(network -> network(network, all));
        hosts.forEach(host -> host(host, all));
        if (routed) {
            routes(all);
        }
        new RandomGroups(this).commands(all);
        return all;
    }

    private void network(Network network, List<List<String>> all) {
        String name = network.name();
        all.add(List.of("ls-add", name));
        if (!routed) {
            return;
        }
        String port = network.routerPort();
        var add = new ArrayList<>(List.of("lrp-add", router(), port, network.routerMac()));
        add.add(network.prefix4() + "1/24");
        if (network.six()) {
            add.add(network.prefix6() + "1/64");
        }
        all.add(add);
        if (random.nextBoolean()) {
            all.add(List.of("set", "Logical_Router_Port", port, "options:gateway_mtu=1400"));
        }
        all.add(List.of("lsp-add", name, "rp-" + name));
        all.add(List.of("lsp-set-type", "rp-" + name, "router"));
        // With "router" the switch answers for it, else the router does itself.
        all.add(
                List.of(
                        "lsp-set-addresses",
                        "rp-" + name,
                        random.nextBoolean() ? network.routerMac() : "router"));
        all.add(List.of("lsp-set-options", "rp-" + name, "router-port=" + port));
    }

    private void host(Host host, List<List<String>> all) {
        all.add(List.of("lsp-add", host.network().name(), host.name()));
        var addresses = new ArrayList<>(List.of("lsp-set-addresses", host.name()));
        addresses.add(host.addresses());
        if (host.unknown()) {
            addresses.add("unknown");
        }
        all.add(addresses);
        if (host.security() != Security.OFF) {
            var security = new ArrayList<>(List.of("lsp-set-port-security", host.name()));
            security.addAll(host.allowed());
            all.add(security);
        }
    }

    private void routes(List<List<String>> all) {
        for (Host host : hosts) {
            if (random.nextInt(4) == 0) {
                all.add(List.of("lr-route-add", router(), host.behind() + "0/24", host.ip4()));
                routes++;
            }
        }
        if (random.nextBoolean()) {
            all.add(List.of("lr-route-add", router(), "0.0.0.0/0", hosts.getFirst().ip4()));
        }
    }

    /** DHCP for a network; the row's number comes back from the database. */
    static List<String> dhcp(Network network) {
        return List.of(
                "create",
                "DHCP_Options",
                "cidr=" + network.prefix4() + "0/24",
                ("options=\"server_id\"=\"%s1\" \"server_mac\"=\"%s\" \"lease_time\"=\"3600\""
                                + " \"router\"=\"%s1\" \"mtu\"=\"1442\"")
                        .formatted(network.prefix4(), network.routerMac(), network.prefix4()));
    }

    Stream<Host> local() {
        return hosts.stream().filter(host -> !host.remote());
    }
}
