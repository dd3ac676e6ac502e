package dev.iod.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An unmodified OVN chassis (ovn-controller, ovs-vswitchd with the user-space datapath) in a
 * namespace on the region's underlay, with ports that are interfaces of further namespaces.
 */
final class StockChassis implements AutoCloseable {
    static final String NAME = "stock";
    private static final String ADDRESS = "172.30.0.200";

    private final Path directory;
    private final String prefix;
    private final String namespace;
    private final Process controller;
    private final List<Process> processes = new ArrayList<>();
    private final List<String> namespaces = new ArrayList<>();

    StockChassis(Region region) throws IOException {
        directory = Files.createTempDirectory("iod-stock");
        prefix = region.prefix();
        namespace = prefix + NAME;
        addNamespace(namespace);
        Command.run(
                "ip",
                "-n",
                namespace,
                "link",
                "add",
                "ul0",
                "type",
                "veth",
                "peer",
                "name",
                NAME,
                "netns",
                prefix + "net");
        Command.run("ip", "netns", "exec", namespace, "ethtool", "-K", "ul0", "tx", "off");
        // The address is br-phy's: the kernel must not answer ARP for it on ul0 with ul0's MAC, for
        // which the user-space datapath would not take tunnels apart.
        Command.run(
                "ip",
                "netns",
                "exec",
                namespace,
                "sysctl",
                "-qw",
                "net.ipv4.conf.all.arp_ignore=1");
        Command.run("ip", "-n", namespace, "link", "set", "ul0", "up");
        Command.run("ip", "-n", prefix + "net", "link", "set", NAME, "master", "br0", "up");
        Command.run(
                "ovsdb-tool",
                "create",
                directory + "/conf.db",
                "/usr/share/openvswitch/vswitch.ovsschema");
        start(
                "ovsdb-server",
                directory + "/conf.db",
                "--remote=punix:" + directory + "/db.sock",
                "--unixctl=" + directory + "/ovsdb.ctl");
        Wait.until("ovsdb-server answers", 20, () -> Files.exists(directory.resolve("db.sock")));
        vsctl("--no-wait", "init");
        vsctl(
                "--no-wait",
                "set",
                "Open_vSwitch",
                ".",
                "external_ids:system-id=" + NAME,
                "external_ids:hostname=" + NAME,
                "external_ids:ovn-remote=unix:" + region.run.resolve("ovn/sb.sock"),
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=" + ADDRESS,
                "external_ids:ovn-bridge-datapath-type=netdev");
        start(
                "/usr/lib/openvswitch-switch/ovs-vswitchd",
                "unix:" + directory + "/db.sock",
                "--unixctl=" + directory + "/vswitchd.ctl",
                "-vconsole:warn");
        vsctl(
                "add-br",
                "br-phy",
                "--",
                "set",
                "bridge",
                "br-phy",
                "datapath_type=netdev",
                "--",
                "add-port",
                "br-phy",
                "ul0");
        vsctl(
                "add-br",
                "br-int",
                "--",
                "set",
                "bridge",
                "br-int",
                "datapath_type=netdev",
                "fail_mode=secure");
        Command.run("ip", "-n", namespace, "addr", "add", ADDRESS + "/24", "dev", "br-phy");
        Command.run("ip", "-n", namespace, "link", "set", "br-phy", "up");
        controller = start("ovn-controller", "unix:" + directory + "/db.sock", "-vconsole:warn");
    }

    /** Plugs a port of the region as the interface of a new namespace with a static address. */
    String plug(String label, String port, String mac, String addressAndPrefix, String gateway) {
        String inside = prefix + label;
        addNamespace(inside);
        String device = "v" + port.substring(0, 8);
        vsctl(
                "add-port",
                "br-int",
                device,
                "--",
                "set",
                "interface",
                device,
                "type=internal",
                "external_ids:iface-id=" + port);
        Command.run("ip", "-n", namespace, "link", "set", device, "netns", inside);
        Command.run("ip", "-n", inside, "link", "set", device, "address", mac, "mtu", "1442", "up");
        Command.run("ip", "-n", inside, "addr", "add", addressAndPrefix, "dev", device);
        Command.run("ip", "-n", inside, "route", "add", "default", "via", gateway);
        // The user-space datapath does not fill in checksums that were left to hardware.
        Command.run("ip", "netns", "exec", inside, "ethtool", "-K", device, "tx", "off");
        return inside;
    }

    private void addNamespace(String name) {
        Command.run("ip", "netns", "add", name);
        namespaces.add(name);
        Command.run("ip", "-n", name, "link", "set", "lo", "up");
    }

    private void vsctl(String... words) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "ovs-vsctl",
                                "--timeout=30",
                                "--db=unix:" + directory + "/db.sock"));
        command.addAll(List.of(words));
        Command.of(command).run();
    }

    private Process start(String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()));
        for (String variable : List.of("OVS_RUNDIR", "OVS_LOGDIR", "OVN_RUNDIR", "OVS_DBDIR")) {
            builder.environment().put(variable, directory.toString());
        }
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    @Override
    public void close() {
        // Asked so, it removes its rows from the southbound database; on a signal it would not.
        Command.run(
                "ovs-appctl",
                "-t",
                directory + "/ovn-controller." + controller.pid() + ".ctl",
                "exit");
        for (Process process : processes.reversed()) {
            process.destroy();
            Wait.until("a process of the stock chassis ends", 20, () -> !process.isAlive());
        }
        for (String name : namespaces.reversed()) {
            Command.run("ip", "netns", "del", name);
        }
        Command.run("rm", "-rf", directory.toString());
    }
}
