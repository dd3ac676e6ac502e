package dev.iod.bench;

import java.nio.file.Files;
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

    private final Lab lab;

    OvnCentral(Lab lab, List<String> sides) {
        this.lab = lab;
        Shell.run("ovsdb-tool", "create", file("nb.db"), "/usr/share/ovn/ovn-nb.ovsschema");
        Shell.run("ovsdb-tool", "create", file("sb.db"), "/usr/share/ovn/ovn-sb.ovsschema");
        server("nb");
        server("sb");
        lab.start(
                "northd",
                List.of(
                        "ovn-northd",
                        "--ovnnb-db=unix:" + file("nb.sock"),
                        "--ovnsb-db=unix:" + file("sb.sock"),
                        "--unixctl=" + file("northd.ctl"),
                        "-vconsole:warn"),
                Map.of());
        for (String side : sides) {
            plain("plain-" + side);
            secured("sg-" + side);
        }
        control("--wait=sb", "sync");
    }

    private String file(String name) {
        return lab.directory().resolve(name).toString();
    }

    private void server(String name) {
        lab.start(
                name,
                List.of(
                        "ovsdb-server",
                        file(name + ".db"),
                        "--remote=punix:" + file(name + ".sock"),
                        "--unixctl=" + file(name + ".ctl"),
                        "-vconsole:warn"),
                Map.of());
        Path socket = lab.directory().resolve(name + ".sock");
        Shell.await("ovsdb-server of " + name, 20, () -> Files.exists(socket));
    }

    Path southbound() {
        return lab.directory().resolve("sb.sock");
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
                        List.of("ovn-nbctl", "--timeout=30", "--db=unix:" + file("nb.sock")));
        command.addAll(List.of(arguments));
        Shell.run(command);
    }
}
