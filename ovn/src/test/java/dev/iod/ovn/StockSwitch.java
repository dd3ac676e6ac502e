package dev.iod.ovn;

import dev.iod.sys.Tun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An unmodified chassis: ovn-controller and ovs-vswitchd with the user-space datapath, in a
 * namespace, with TAP interfaces as ports. Needs root.
 */
final class StockSwitch implements AutoCloseable {
    private static final Pattern ZONE = Pattern.compile("\"?ct-zone-([a-z0-9]+)\"?=\"?(\\d+)\"?");

    private final Path directory;
    private final String namespace;
    private final List<Process> processes = new ArrayList<>();

    StockSwitch(Path directory, Path southbound) throws IOException, InterruptedException {
        this.directory = Files.createDirectories(directory.resolve("stock"));
        namespace = "iod-ovn-stock-" + ProcessHandle.current().pid();
        OvnCentral.run("ip", "netns", "add", namespace);
        // The kernel must not speak on the taps.
        inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
        OvnCentral.run(
                "ovsdb-tool",
                "create",
                file("conf.db"),
                "/usr/share/openvswitch/vswitch.ovsschema");
        start(
                "ovsdb-server",
                file("conf.db"),
                "--remote=punix:" + file("db.sock"),
                "--unixctl=" + file("ovsdb.ctl"),
                "--no-chdir");
        Waiting.until(() -> Files.exists(this.directory.resolve("db.sock")));
        vsctl("--no-wait", "init");
        vsctl(
                "--no-wait",
                "set",
                "Open_vSwitch",
                ".",
                "external_ids:system-id=stock",
                "external_ids:hostname=stock",
                "external_ids:ovn-remote=unix:" + southbound,
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=192.168.60.2",
                "external_ids:ovn-bridge-datapath-type=netdev");
        start(
                "/usr/lib/openvswitch-switch/ovs-vswitchd",
                "unix:" + file("db.sock"),
                "--unixctl=" + file("vswitchd.ctl"),
                "-vconsole:warn");
        String[] bridge = {"add-br", "br-int", "--", "set", "bridge", "br-int"};
        String[] kind = {"datapath_type=netdev", "fail_mode=secure"};
        vsctl(concat(bridge, kind));
        start("ovn-controller", "unix:" + file("db.sock"), "-vconsole:warn");
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private static String[] concat(String[] first, String... second) {
        String[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    private void inside(String... command) {
        OvnCentral.run(concat(new String[] {"ip", "netns", "exec", namespace}, command));
    }

    private String vsctl(String... words) {
        String[] first = {"ovs-vsctl", "--timeout=30", "--db=unix:" + file("db.sock")};
        return OvnCentral.run(concat(first, words));
    }

    private void start(String... words) throws IOException {
        String[] first = {"ip", "netns", "exec", namespace};
        ProcessBuilder builder =
                new ProcessBuilder(concat(first, words))
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(
                                        directory.resolve("log").toFile()));
        for (String variable : List.of("OVS_RUNDIR", "OVS_LOGDIR", "OVN_RUNDIR", "OVS_DBDIR")) {
            builder.environment().put(variable, directory.toString());
        }
        processes.add(builder.start());
    }

    /** Adds a logical port as a TAP interface. */
    Guest plug(String port) {
        Tun tap = Tun.ethernet(namespace, port);
        OvnCentral.run("ip", "-n", namespace, "link", "set", port, "mtu", "1442", "up");
        String iface = "external_ids:iface-id=" + port;
        vsctl("add-port", "br-int", port, "--", "set", "interface", port, iface);
        return new Guest.Tap(tap);
    }

    /** Waits until what the datapath does is what the flow tables say now. */
    void settle() {
        OvnCentral.run("ovs-appctl", "-t", file("vswitchd.ctl"), "revalidator/wait");
    }

    /** Zone numbers by the name of the port. */
    Map<String, Integer> zones() {
        var zones = new HashMap<String, Integer>();
        Matcher matcher = ZONE.matcher(vsctl("get", "bridge", "br-int", "external_ids"));
        while (matcher.find()) {
            zones.put(matcher.group(1), Integer.parseInt(matcher.group(2)));
        }
        return zones;
    }

    /** The connection table with timeouts, one connection a line. */
    List<String> connections() {
        return OvnCentral.run(
                        "ovs-appctl",
                        "-t",
                        file("vswitchd.ctl"),
                        "dpctl/dump-conntrack",
                        "-s",
                        "netdev@ovs-netdev")
                .lines()
                .toList();
    }

    /** For a failure's message. */
    String describe() {
        String ctl = file("vswitchd.ctl");
        try {
            for (Process process : processes) {
                if (!process.isAlive()) {
                    return "a process ended with "
                            + process.exitValue()
                            + "\n"
                            + Files.readString(directory.resolve("log"));
                }
            }
            return vsctl("show")
                    + "\n"
                    + OvnCentral.run(
                            "ovs-appctl", "-t", ctl, "dpctl/dump-flows", "netdev@ovs-netdev")
                    + "\n"
                    + Files.readString(directory.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() {
        for (Process process : processes.reversed()) {
            process.destroy();
        }
        for (Process process : processes) {
            process.onExit().orTimeout(20, TimeUnit.SECONDS).join();
        }
        OvnCentral.run("ip", "netns", "del", namespace);
    }
}
