package dev.iod.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A stock ovn-controller with an ovs-vswitchd whose datapath and ports are dummies, as in OVN's own
 * tests: it keeps every flow and carries no packet.
 */
final class StockChassis implements ChassisSide {
    static final String HOST = "bench-peer";
    private static final String ADDRESS = "192.168.61.2";
    private static final String PROGRAM = "/usr/lib/openvswitch-switch/ovs-vswitchd";
    private static final int PORTS_AT_ONCE = 250;

    private final OvnLab lab;
    private final Path directory;
    private final String name;
    private final Process database;
    private final Process vswitchd;
    private Optional<Process> controller = Optional.empty();

    StockChassis(OvnLab lab, String directory, String name, OvnDatabases ovn, int networks) {
        this.lab = lab;
        this.directory = lab.directory(directory);
        this.name = name;
        database =
                OvnDatabases.server(
                        this.directory,
                        this::run,
                        "conf",
                        "/usr/share/openvswitch/vswitch.ovsschema");
        vsctl("--no-wait", "init");
        vsctl(
                "--no-wait",
                "set",
                "Open_vSwitch",
                ".",
                "external_ids:system-id=" + HOST,
                "external_ids:hostname=" + HOST,
                "external_ids:ovn-remote=unix:" + ovn.southboundSocket(),
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=" + ADDRESS,
                "external_ids:ovn-bridge-datapath-type=dummy");
        vswitchd =
                run(
                        "vswitchd",
                        List.of(
                                PROGRAM,
                                "--enable-dummy",
                                remote(),
                                "--unixctl=" + this.directory.resolve("vs.ctl"),
                                "-vconsole:warn"));
        plug(networks);
    }

    /** "ovn-controller 23.03.1". */
    static String version() {
        return Shell.run("ovn-controller", "--version").lines().findFirst().orElse("unknown");
    }

    private String remote() {
        return "unix:" + directory.resolve("conf.sock");
    }

    private Process run(String program, List<String> command) {
        String place = directory.toString();
        return lab.start(
                directory,
                program,
                command,
                Map.of(
                        "OVS_RUNDIR", place,
                        "OVS_LOGDIR", place,
                        "OVN_RUNDIR", place,
                        "OVS_DBDIR", place));
    }

    private void plug(int networks) {
        vsctl(
                "add-br",
                "br-int",
                "--",
                "set",
                "bridge",
                "br-int",
                "datapath_type=dummy",
                "fail_mode=secure");
        List<String> words = new ArrayList<>();
        for (int network = 0; network < networks; network++) {
            String device = "p" + network;
            words.addAll(
                    List.of(
                            "--",
                            "add-port",
                            "br-int",
                            device,
                            "--",
                            "set",
                            "interface",
                            device,
                            "type=dummy",
                            "external_ids:iface-id=" + OvnNetworks.port(network, 1)));
            if (network % PORTS_AT_ONCE == PORTS_AT_ONCE - 1 || network == networks - 1) {
                vsctl(words.toArray(String[]::new));
                words.clear();
            }
        }
    }

    private void vsctl(String... words) {
        List<String> command =
                new ArrayList<>(List.of("ovs-vsctl", "--timeout=60", "--db=" + remote()));
        command.addAll(List.of(words));
        Shell.run(command);
    }

    @Override
    public void start() {
        controller =
                Optional.of(
                        run(
                                "ovn-controller",
                                List.of("ovn-controller", remote(), "-vconsole:warn")));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String host() {
        return HOST;
    }

    @Override
    public Process chassis() {
        return controller.orElseThrow();
    }

    @Override
    public Process dataplane() {
        return vswitchd;
    }

    @Override
    public List<Path> logs() {
        return List.of(directory.resolve("vswitchd.log"), directory.resolve("ovn-controller.log"));
    }

    @Override
    public void close() {
        controller.filter(Process::isAlive).ifPresent(this::leave);
        for (Process process : List.of(vswitchd, database)) {
            OvnLab.end(process);
        }
    }

    /** Asked so, it removes its rows from the southbound database; on a signal it would not. */
    private void leave(Process process) {
        Path control = directory.resolve("ovn-controller." + process.pid() + ".ctl");
        Shell.run("ovs-appctl", "-t", control.toString(), "exit");
        Shell.await("ovn-controller ends", 60, () -> !process.isAlive());
    }
}
