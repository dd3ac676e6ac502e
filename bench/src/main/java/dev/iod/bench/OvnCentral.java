package dev.iod.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One OVN for all sides: the databases, northd, and per side one plain switch and one with security
 * groups, the same for both.
 */
final class OvnCentral {
    /** Ends of every switch. Addresses of A and B are {@link Traffic}'s. */
    static final List<String> ENDS = List.of("a", "b");

    private final OvnDatabases databases;

    OvnCentral(Lab lab, List<String> sides) {
        databases =
                OvnDatabases.start(
                        lab.directory(), (name, command) -> lab.start(name, command, Map.of()));
        for (String side : sides) {
            plain("plain-" + side);
            secured("sg-" + side);
        }
        control("--wait=sb", "sync");
    }

    Path southbound() {
        return databases.southboundSocket();
    }

    static String port(String network, String end) {
        return network + "-" + end;
    }

    private void plain(String network) {
        control("ls-add", network);
        for (String end : ENDS) {
            String port = port(network, end);
            control("lsp-add", network, port);
            control("lsp-set-addresses", port, Traffic.mac(end) + " " + Traffic.address(end));
        }
    }

    /** What a security group "all out, UDP in" becomes, with a default drop as Neutron has it. */
    private void secured(String network) {
        plain(network);
        String group = network.replace('-', '_');
        List<String> add = new ArrayList<>(List.of("pg-add", group));
        for (String end : ENDS) {
            String port = port(network, end);
            control("lsp-set-port-security", port, Traffic.mac(end) + " " + Traffic.prefix(end));
            add.add(port);
        }
        control(add.toArray(String[]::new));
        acl(group, "from-lport", 1002, "inport == @" + group + " && ip4", "allow-related");
        acl(group, "to-lport", 1002, "outport == @" + group + " && ip4 && udp", "allow-related");
        acl(group, "from-lport", 1001, "inport == @" + group + " && ip", "drop");
        acl(group, "to-lport", 1001, "outport == @" + group + " && ip", "drop");
    }

    private void acl(String group, String direction, int priority, String match, String verdict) {
        control("acl-add", group, direction, "" + priority, match, verdict);
    }

    private void control(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "ovn-nbctl",
                                "--timeout=30",
                                "--db=unix:" + databases.northboundSocket()));
        command.addAll(List.of(arguments));
        Shell.run(command);
    }
}
