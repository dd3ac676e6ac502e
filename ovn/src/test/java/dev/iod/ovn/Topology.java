package dev.iod.ovn;

import java.util.ArrayList;
import java.util.List;

/**
 * Two networks with a router, DHCP, metadata ports and security groups, written the way Neutron's
 * OVN driver writes them: ports vm1, vm2 on net1 (10.1.0.11, .12) and vm3, vm4 on net2.
 */
final class Topology {
    private final OvnCentral central;
    private final List<String> commands = new ArrayList<>();

    private Topology(OvnCentral central) {
        this.central = central;
    }

    static void create(OvnCentral central) {
        var topology = new Topology(central);
        topology.networks();
        topology.securityGroups();
        topology.ports();
        topology.flush();
        topology.dhcp();
    }

    private void add(String... words) {
        if (!commands.isEmpty()) {
            commands.add("--");
        }
        commands.addAll(List.of(words));
    }

    private void flush() {
        central.nb(commands.toArray(String[]::new));
        commands.clear();
    }

    private void networks() {
        add("lr-add", "neutron-r0");
        add(
                "set",
                "Logical_Router",
                "neutron-r0",
                "options:always_learn_from_arp_request=false",
                "options:dynamic_neigh_routers=true");
        for (int i = 1; i <= 2; i++) {
            String net = "neutron-net" + i;
            add("ls-add", net);
            add("set", "Logical_Switch", net, "other_config:mcast_snoop=false");
            String mac = "fa:16:3e:00:00:0" + i;
            if (i == 1) {
                add("lrp-add", "neutron-r0", "lrp-rp1", mac, "10.1.0.1/24", "fd01::1/64");
            } else {
                add("lrp-add", "neutron-r0", "lrp-rp2", mac, "10.2.0.1/24");
            }
            add("set", "Logical_Router_Port", "lrp-rp" + i, "options:gateway_mtu=1442");
            add("lsp-add", net, "rp" + i);
            add("lsp-set-type", "rp" + i, "router");
            add("lsp-set-options", "rp" + i, "router-port=lrp-rp" + i);
            add("lsp-set-addresses", "rp" + i, "router");
            add("lsp-add", net, "meta" + i);
            add("lsp-set-type", "meta" + i, "localport");
            add("lsp-set-addresses", "meta" + i, "fa:16:3e:ee:00:0" + i + " 10." + i + ".0.2");
        }
        add("lr-route-add", "neutron-r0", "172.30.0.0/16", "10.2.0.11");
        add("lr-route-add", "neutron-r0", "0.0.0.0/0", "10.1.0.254");
    }

    private void securityGroups() {
        add("pg-add", "neutron_pg_drop");
        add(
                "acl-add",
                "neutron_pg_drop",
                "to-lport",
                "1001",
                "outport == @neutron_pg_drop && ip",
                "drop");
        add(
                "acl-add",
                "neutron_pg_drop",
                "from-lport",
                "1001",
                "inport == @neutron_pg_drop && ip",
                "drop");
        add("pg-add", "pg_sg1");
        String to = "outport == @pg_sg1 && ";
        allow("from-lport", "inport == @pg_sg1 && ip4");
        allow("from-lport", "inport == @pg_sg1 && ip6");
        allow("to-lport", to + "ip4 && ip4.src == $pg_sg1_ip4");
        allow("to-lport", to + "ip6 && ip6.src == $pg_sg1_ip6");
        allow("to-lport", to + "ip4 && ip4.src == 0.0.0.0/0 && tcp && tcp.dst == 22");
        allow(
                "to-lport",
                to
                        + "ip4 && ip4.src == 10.9.0.0/16 && udp && udp.dst >= 5000"
                        + " && udp.dst <= 6000");
        allow(
                "to-lport",
                to
                        + "ip4 && ip4.src == 0.0.0.0/0 && icmp4 && icmp4.type == 8"
                        + " && icmp4.code == 0");
        allow("to-lport", to + "ip6 && ip6.src == ::/0 && icmp6");
        allow("to-lport", to + "ip4 && ip.proto == 47");
        allow("to-lport", to + "sctp && sctp.dst == 99");
        add("acl-add", "pg_sg1", "to-lport", "1003", to + "tcp.dst == 23", "reject");
        add(
                "acl-add",
                "pg_sg1",
                "from-lport",
                "1003",
                "inport == @pg_sg1 && udp.dst == 7",
                "reject");
        add(
                "acl-add",
                "pg_sg1",
                "to-lport",
                "1500",
                to + "ip4.src == 192.0.2.0/24",
                "allow-stateless");
        add("acl-add", "pg_sg1", "to-lport", "1501", to + "ip4.src == 192.0.3.0/24", "allow");
    }

    private void allow(String direction, String match) {
        add("acl-add", "pg_sg1", direction, "1002", match, "allow-related");
    }

    private void ports() {
        for (int vm = 1; vm <= 4; vm++) {
            String net = "neutron-net" + (vm + 1) / 2;
            String address =
                    "fa:16:3e:10:00:0"
                            + vm
                            + " 10."
                            + (vm + 1) / 2
                            + ".0.1"
                            + (2 - vm % 2)
                            + (vm == 1 ? " fd01::11" : "");
            add("lsp-add", net, "vm" + vm);
            add("lsp-set-addresses", "vm" + vm, address);
            add("lsp-set-port-security", "vm" + vm, address);
        }
        add("lsp-add", "neutron-net2", "open");
        add("lsp-set-addresses", "open", "fa:16:3e:10:00:99 10.2.0.99", "unknown");
        add("lsp-add", "neutron-net2", "off");
        add("lsp-set-addresses", "off", "fa:16:3e:10:00:98 10.2.0.98");
        add("lsp-set-enabled", "off", "disabled");
        add("pg-set-ports", "neutron_pg_drop", "vm1", "vm2", "vm3", "vm4");
        add("pg-set-ports", "pg_sg1", "vm1", "vm2", "vm3", "vm4");
    }

    private void dhcp() {
        for (int i = 1; i <= 2; i++) {
            String gateway = "10." + i + ".0.1";
            String row =
                    central.nb(
                            "create",
                            "DHCP_Options",
                            "cidr=10." + i + ".0.0/24",
                            "options=\"server_id\"=\""
                                    + gateway
                                    + "\""
                                    + " \"server_mac\"=\"fa:16:3e:00:00:0"
                                    + i
                                    + "\""
                                    + " \"lease_time\"=\"43200\" \"router\"=\""
                                    + gateway
                                    + "\""
                                    + " \"dns_server\"=\"{8.8.8.8, 1.1.1.1}\" \"mtu\"=\"1442\""
                                    + " \"domain_name\"=\"\\\"x.local\\\"\""
                                    + " \"classless_static_route\"=\"{169.254.169.254/32,10."
                                    + i
                                    + ".0.2, 0.0.0.0/0,"
                                    + gateway
                                    + "}\"");
            add("lsp-set-dhcpv4-options", "vm" + (2 * i - 1), row);
            add("lsp-set-dhcpv4-options", "vm" + 2 * i, row);
        }
        commands.addFirst("--wait=sb");
        flush();
    }
}
