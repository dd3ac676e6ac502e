package dev.iod.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Open vSwitch with DPDK: one polling thread, the netdev datapath, its ports dialling the
 * generator's sockets as ours do. Rules come from two OpenFlow entries or from a stock
 * ovn-controller.
 */
final class Peer implements Side {
    static final String NAME = "peer";

    /** Called by its own path: the system's ovs-vswitchd stays what it is. */
    private static final String PROGRAM = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";

    private static final String BRIDGE = "br-int";
    private static final int MEMORY_MIB = 512;
    private static final int READY_SECONDS = 60;
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    private final Lab lab;
    private final Path directory;
    private final Path sockets;
    private final Case what;
    private final List<Process> processes = new ArrayList<>();
    private final Process vswitchd;

    Peer(Lab lab, OvnCentral central, Case what, Path sockets) {
        this.lab = lab;
        this.what = what;
        this.sockets = sockets;
        this.directory = sockets.resolve(NAME);
        directory.toFile().mkdirs();
        String database = directory.resolve("conf.db").toString();
        Shell.run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema");
        start(
                "peer-ovsdb",
                "ovsdb-server",
                database,
                "--remote=p" + remote(),
                "--unixctl=" + directory.resolve("ovsdb.ctl"),
                "-vconsole:warn");
        Shell.await("ovsdb-server of the peer", 20, () -> Files.exists(directory.resolve("db")));
        configure(central);
        vswitchd =
                start(
                        "peer-vswitchd",
                        PROGRAM,
                        remote(),
                        "--unixctl=" + directory.resolve("vs.ctl"),
                        "-vconsole:warn");
        plug();
        if (what.secured()) {
            start("peer-ovn-controller", "ovn-controller", remote(), "-vconsole:warn");
        } else {
            flows();
        }
        appctl("dpctl/ct-set-maxconns", "" + 4 * Case.NEW);
    }

    /** "Open vSwitch 3.1.0 with DPDK 22.11". */
    static String version() {
        List<String> words =
                Shell.run(PROGRAM, "--version")
                        .lines()
                        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                        .toList();
        return "OVS " + words.getFirst() + " with DPDK " + words.getLast();
    }

    private String remote() {
        return "unix:" + directory.resolve("db");
    }

    private Process start(String name, String... command) {
        Process process =
                lab.start(
                        name,
                        lab.inside(List.of(command)),
                        Map.of(
                                "OVS_RUNDIR", directory.toString(),
                                "OVS_LOGDIR", directory.toString(),
                                "OVN_RUNDIR", directory.toString(),
                                "OVS_DBDIR", directory.toString()));
        processes.add(process);
        return process;
    }

    private void configure(OvnCentral central) {
        vsctl("--no-wait", "init");
        vsctl(
                "--no-wait",
                "set",
                "Open_vSwitch",
                ".",
                "other_config:dpdk-init=true",
                "other_config:dpdk-socket-mem=" + MEMORY_MIB,
                "other_config:pmd-cpu-mask=0x" + Long.toHexString(1L << lab.switchCpu()),
                "other_config:dpdk-lcore-mask=0x" + Long.toHexString(1L << lab.generatorCpu()),
                "other_config:dpdk-extra=\"--in-memory --no-pci --no-telemetry\"",
                "external_ids:system-id=bench-peer",
                "external_ids:hostname=bench-peer",
                "external_ids:ovn-remote=unix:" + central.southbound(),
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=192.168.61.2",
                "external_ids:ovn-bridge-datapath-type=netdev");
    }

    private void plug() {
        vsctl(
                "add-br",
                BRIDGE,
                "--",
                "set",
                "bridge",
                BRIDGE,
                "datapath_type=netdev",
                "fail_mode=secure");
        for (String end : OvnCentral.ENDS) {
            vsctl(
                    "add-port",
                    BRIDGE,
                    end,
                    "--",
                    "set",
                    "interface",
                    end,
                    "type=dpdkvhostuserclient",
                    "options:vhost-server-path=" + sockets.resolve(end + ".sock"),
                    "ofport_request=" + (1 + OvnCentral.ENDS.indexOf(end)),
                    "external_ids:iface-id=" + OvnCentral.port(what.network(NAME), end));
        }
    }

    private void flows() {
        for (String flow : List.of("in_port=1,actions=output:2", "in_port=2,actions=output:1")) {
            Shell.run(
                    "ovs-ofctl", "add-flow", directory.resolve(BRIDGE + ".mgmt").toString(), flow);
        }
    }

    private String vsctl(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("ovs-vsctl", "--timeout=30", "--db=" + remote()));
        command.addAll(List.of(arguments));
        return Shell.run(command);
    }

    private String appctl(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of("ovs-appctl", "-t", directory.resolve("vs.ctl").toString()));
        command.addAll(List.of(arguments));
        return Shell.run(command);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void awaitReady() {
        Shell.await(
                "the peer's ports",
                READY_SECONDS,
                () -> OvnCentral.ENDS.stream().allMatch(this::ready));
    }

    private boolean ready(String end) {
        if (!processes.stream().allMatch(Process::isAlive)) {
            throw new BenchException(
                    "a process of the peer ended; ovs-vswitchd says: "
                            + Shell.read(lab.log("peer-vswitchd")));
        }
        return vsctl("get", "interface", end, "link_state").equals("up")
                && (!what.secured()
                        || vsctl(
                                        "--if-exists",
                                        "get",
                                        "interface",
                                        end,
                                        "external_ids:ovn-installed")
                                .equals("\"true\""));
    }

    @Override
    public long connections() {
        Matcher number = NUMBER.matcher(appctl("dpctl/ct-get-nconns"));
        if (!number.find()) {
            throw new BenchException("the peer does not tell its number of connections");
        }
        return Long.parseLong(number.group());
    }

    @Override
    public double cpuSeconds() {
        return Lab.cpuSeconds(vswitchd);
    }

    @Override
    public void close() {
        processes.reversed().forEach(Lab::stop);
    }
}
