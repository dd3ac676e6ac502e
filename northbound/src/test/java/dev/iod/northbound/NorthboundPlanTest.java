package dev.iod.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.AddressPair;
import dev.iod.network.Cidr;
import dev.iod.network.DeviceOwner;
import dev.iod.network.FixedIp;
import dev.iod.network.HostRoute;
import dev.iod.network.Network;
import dev.iod.network.NetworkSnapshot;
import dev.iod.network.Port;
import dev.iod.network.Router;
import dev.iod.network.SecurityGroup;
import dev.iod.network.SecurityGroupRule;
import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SecurityGroupRule.EtherType;
import dev.iod.network.SecurityGroupRule.Remote;
import dev.iod.network.Stamp;
import dev.iod.network.Subnet;
import dev.iod.rest.Ipv4;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The plan against what Neutron's ml2/ovn driver writes for the same resources. */
class NorthboundPlanTest {
    private static final Stamp STAMP = new Stamp(Instant.EPOCH, Instant.EPOCH, 3);
    private static final UUID GROUP = new UUID(0x1111, 0x2222);
    private static final String GROUP_NAME = "pg_00000000_0000_1111_0000_000000002222";

    private final Network network =
            new Network(new UUID(0, 1), "p", "net", "", true, 1442, true, 1, List.of(), STAMP);

    private final List<Port> ports = new ArrayList<>();
    private final List<Router> routers = new ArrayList<>();
    private final List<Network> networks = new ArrayList<>(List.of(network));
    private Subnet subnet = subnet(Optional.of(Ipv4.of("10.0.0.1")), List.of());

    @Test
    void aServersPort() {
        Port port = port("10.0.0.5", "compute:nova").withHost("node-1");
        ports.add(port);
        NbRow row = only(NbTable.LOGICAL_SWITCH_PORT);
        assertThat(row.parentKey()).isEqualTo("neutron-" + network.id());
        assertThat(texts(row, "addresses")).containsExactly("fa:16:3e:00:00:01 10.0.0.5");
        assertThat(texts(row, "port_security")).containsExactly("fa:16:3e:00:00:01 10.0.0.5");
        assertThat(pairs(row, "options"))
                .containsOnly(
                        Map.entry("requested-chassis", "node-1"),
                        Map.entry("requested-tnl-key", "7"));
        assertThat(row.columns().get("dhcpv4_options"))
                .isEqualTo(
                        new NbValue.References(
                                NbTable.DHCP_OPTIONS,
                                new TreeSet<>(List.of(subnet.id().toString()))));
        assertThat(pairs(row, "external_ids"))
                .containsEntry("neutron:cidrs", "10.0.0.5/24")
                .containsEntry("neutron:revision_number", "3")
                .containsEntry("neutron:network_name", "neutron-" + network.id())
                .containsEntry("neutron:security_group_ids", GROUP.toString())
                .containsEntry("iod:owner", "me")
                .containsEntry("iod:unit", "network " + network.id());
        assertThat(members(SecurityGroupRows.DROP_GROUP)).containsExactly(port.id().toString());
        assertThat(members(GROUP_NAME)).containsExactly(port.id().toString());
    }

    @Test
    void addressPairsWidenPortSecurityOncePerMac() {
        ports.add(
                port("10.0.0.5", "")
                        .withPortSecurity(
                                true,
                                List.of(),
                                List.of(
                                        new AddressPair("fa:16:3e:00:00:01", "10.0.0.100"),
                                        new AddressPair("fa:16:3e:00:00:09", "10.0.0.100"),
                                        new AddressPair("fa:16:3e:00:00:09", "10.1.0.0/16"))));
        NbRow row = only(NbTable.LOGICAL_SWITCH_PORT);
        assertThat(texts(row, "port_security"))
                .containsExactly(
                        "fa:16:3e:00:00:01 10.0.0.5 10.0.0.100",
                        "fa:16:3e:00:00:09 10.0.0.100 10.1.0.0/16");
        assertThat(texts(row, "addresses"))
                .containsExactly("fa:16:3e:00:00:01 10.0.0.5", "fa:16:3e:00:00:09");
    }

    @Test
    void aPortWithoutPortSecurityIsOpen() {
        ports.add(port("10.0.0.5", "").withPortSecurity(false, List.of(), List.of()));
        NbRow row = only(NbTable.LOGICAL_SWITCH_PORT);
        assertThat(texts(row, "addresses")).contains("unknown");
        assertThat(texts(row, "port_security")).isEmpty();
        assertThat(members(SecurityGroupRows.DROP_GROUP)).isEmpty();
    }

    @Test
    void aNetworkThatIsDownHasNoPortThatIsUp() {
        ports.add(port("10.0.0.5", ""));
        networks.set(
                0, new Network(network.id(), "p", "", "", false, 1442, true, 1, List.of(), STAMP));
        assertThat(value(only(NbTable.LOGICAL_SWITCH_PORT), "enabled"))
                .isEqualTo(new NbValue.Flag(false));
    }

    @Test
    void dhcpSaysTheDefaultRouteTwice() {
        ports.add(port("10.0.0.2", DeviceOwner.METADATA));
        Map<String, String> options = pairs(only(NbTable.DHCP_OPTIONS), "options");
        assertThat(options)
                .containsEntry("router", "10.0.0.1")
                .containsEntry("server_id", "10.0.0.1")
                .containsEntry("mtu", "1442")
                .containsEntry(
                        "classless_static_route",
                        "{169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1}");
        assertThat(row(NbTable.LOGICAL_SWITCH_PORT, ports.getFirst().id().toString()).columns())
                .containsEntry("type", new NbValue.Text("localport"));
    }

    @Test
    void aSubnetWithoutGatewayIsServedFromTheMetadataAddress() {
        subnet =
                subnet(
                        Optional.empty(),
                        List.of(new HostRoute(Cidr.of("10.9.0.0/16"), Ipv4.of("10.0.0.9"))));
        ports.add(port("10.0.0.1", DeviceOwner.METADATA));
        Map<String, String> options = pairs(only(NbTable.DHCP_OPTIONS), "options");
        assertThat(options)
                .containsEntry("server_id", "10.0.0.1")
                .doesNotContainKey("router")
                .containsEntry(
                        "classless_static_route",
                        "{169.254.169.254/32,10.0.0.1, 10.9.0.0/16,10.0.0.9}");
    }

    @Test
    void aRouterChecksSizesOnlyTowardsASmallerNetwork() {
        Router router = new Router(new UUID(0, 7), "p", "r", "", true, 70000, STAMP);
        routers.add(router);
        Network small =
                new Network(
                        new UUID(0, 9), "p", "small", "", true, 1400, true, 2, List.of(), STAMP);
        networks.add(small);
        Port one = interfaceOf(router, network, 0x51);
        Port two = interfaceOf(router, small, 0x52);
        ports.addAll(List.of(one, two));
        NbRow large = row(NbTable.LOGICAL_ROUTER_PORT, "lrp-" + one.id());
        assertThat(large.parentKey()).isEqualTo("neutron-" + router.id());
        assertThat(texts(large, "networks")).containsExactly("10.0.0.1/24");
        assertThat(pairs(large, "options")).containsExactly(Map.entry("requested-tnl-key", "81"));
        assertThat(pairs(only(NbTable.LOGICAL_ROUTER), "options"))
                .containsEntry("requested-tnl-key", "70000");
        assertThat(pairs(row(NbTable.LOGICAL_SWITCH, "neutron-" + small.id()), "other_config"))
                .containsEntry("requested-tnl-key", "2");
        assertThat(pairs(row(NbTable.LOGICAL_ROUTER_PORT, "lrp-" + two.id()), "options"))
                .containsOnly(
                        Map.entry("gateway_mtu", "1400"), Map.entry("requested-tnl-key", "82"));
        NbRow side = row(NbTable.LOGICAL_SWITCH_PORT, one.id().toString());
        assertThat(texts(side, "addresses")).containsExactly("router");
        assertThat(pairs(side, "options"))
                .containsOnly(
                        Map.entry("router-port", "lrp-" + one.id()),
                        Map.entry("requested-tnl-key", "81"));
    }

    @Test
    void rulesBecomeNeutronsMatches() {
        String in = "outport == @" + GROUP_NAME;
        Remote everybody = new Remote.Prefix("0.0.0.0/0");
        assertThat(match(rule(Direction.EGRESS, EtherType.IPV6, "", -1, -1)))
                .isEqualTo("inport == @" + GROUP_NAME + " && ip6");
        assertThat(match(rule(Direction.INGRESS, EtherType.IPV4, "tcp", 22, 22, everybody)))
                .isEqualTo(in + " && ip4 && ip4.src == 0.0.0.0/0 && tcp && tcp.dst == 22");
        assertThat(match(rule(Direction.INGRESS, EtherType.IPV4, "17", 5, 9)))
                .isEqualTo(in + " && ip4 && udp && udp.dst >= 5 && udp.dst <= 9");
        assertThat(match(rule(Direction.INGRESS, EtherType.IPV4, "icmp", 8, 0)))
                .isEqualTo(in + " && ip4 && icmp4 && icmp4.type == 8 && icmp4.code == 0");
        assertThat(match(rule(Direction.INGRESS, EtherType.IPV6, "ipv6-icmp", -1, -1)))
                .isEqualTo(in + " && ip6 && icmp6");
        assertThat(match(rule(Direction.INGRESS, EtherType.IPV4, "gre", -1, -1)))
                .isEqualTo(in + " && ip4 && ip.proto == 47");
        assertThat(
                        match(
                                rule(
                                        Direction.INGRESS,
                                        EtherType.IPV4,
                                        "",
                                        -1,
                                        -1,
                                        new Remote.Group(GROUP))))
                .isEqualTo(in + " && ip4 && ip4.src == $" + GROUP_NAME + "_ip4");
    }

    private static String match(SecurityGroupRule rule) {
        return AclMatch.of(rule);
    }

    private static SecurityGroupRule rule(
            Direction direction,
            EtherType type,
            String protocol,
            int minimum,
            int maximum,
            Remote... remote) {
        return new SecurityGroupRule(
                UUID.randomUUID(),
                GROUP,
                "p",
                direction,
                type,
                Optional.of(protocol).filter(text -> !text.isEmpty()),
                minimum < 0 ? OptionalInt.empty() : OptionalInt.of(minimum),
                maximum < 0 ? OptionalInt.empty() : OptionalInt.of(maximum),
                List.of(remote).stream().findFirst(),
                "",
                STAMP);
    }

    private NorthboundPlan plan() {
        var group = new SecurityGroup(GROUP, "p", "g", "", List.of(), STAMP);
        return NorthboundPlan.of(
                new NetworkSnapshot(networks, List.of(subnet), ports, routers, List.of(group)),
                "me");
    }

    private NbRow only(NbTable table) {
        List<NbRow> all = rows(table);
        assertThat(all).hasSize(1);
        return all.getFirst();
    }

    private NbRow row(NbTable table, String key) {
        return rows(table).stream().filter(row -> row.key().equals(key)).findFirst().orElseThrow();
    }

    private List<NbRow> rows(NbTable table) {
        return plan().units().values().stream()
                .flatMap(unit -> unit.rows(table).values().stream())
                .toList();
    }

    private static NbValue value(NbRow row, String column) {
        return Optional.ofNullable(row.columns().get(column)).orElseThrow();
    }

    private static Map<String, String> pairs(NbRow row, String column) {
        return switch (value(row, column)) {
            case NbValue.Pairs pairs -> pairs.values();
            case NbValue.OwnedPairs owned -> owned.values();
            case NbValue other -> throw new AssertionError(column + " holds " + other);
        };
    }

    private static Iterable<String> texts(NbRow row, String column) {
        return ((NbValue.Texts) value(row, column)).values();
    }

    private List<String> members(String group) {
        return plan().units().values().stream()
                .flatMap(unit -> unit.groups().entrySet().stream())
                .filter(port -> port.getValue().contains(group))
                .map(Map.Entry::getKey)
                .toList();
    }

    private Subnet subnet(Optional<Ipv4> gateway, List<HostRoute> routes) {
        return new Subnet(
                new UUID(0, 2),
                "p",
                network.id(),
                "",
                "",
                Cidr.of("10.0.0.0/24"),
                gateway,
                List.of(),
                List.of(),
                routes,
                true,
                "fa:16:3e:ff:ff:ff",
                STAMP);
    }

    private Port port(String address, String owner) {
        return new Port(
                new UUID(0, 3),
                "p",
                network.id(),
                "",
                "",
                true,
                "fa:16:3e:00:00:01",
                "device",
                owner,
                "",
                "normal",
                true,
                false,
                List.of(new FixedIp(subnet.id(), Ipv4.of(address))),
                List.of(GROUP),
                List.of(),
                7,
                STAMP);
    }

    private Port interfaceOf(Router router, Network on, int id) {
        return new Port(
                new UUID(0, id),
                "p",
                on.id(),
                "",
                "",
                true,
                "fa:16:3e:00:00:02",
                router.id().toString(),
                DeviceOwner.ROUTER_INTERFACE,
                "",
                "normal",
                false,
                false,
                List.of(new FixedIp(subnet.id(), Ipv4.of("10.0.0.1"))),
                List.of(),
                List.of(),
                id,
                STAMP);
    }
}
