package dev.iod.bench;

import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Table;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./iod bench ovn}: what a region's networks cost a chassis, ours and a stock one. */
@Command(
        name = "ovn",
        mixinStandardHelpOptions = true,
        description = {
            "Measures our OVN chassis beside ovn-controller on one southbound database:",
            "the first load of all networks, then changes of one port, rule or network."
        })
final class OvnBench implements Callable<Integer> {
    /** Hosts that nobody runs; the ports that are on neither side are theirs. */
    private static final int ELSEWHERE = 8;

    private static final int SECONDS = 600;

    /** What follows an answer still belongs to the change: flushing, garbage, counters. */
    private static final long AFTER_MILLIS = 500;

    @Mixin Output output = new Output();

    @Option(
            names = "--networks",
            defaultValue = "1000",
            description = "Networks (default 1000); all of them are local to each chassis.")
    int networks;

    @Option(
            names = "--ports",
            defaultValue = "10000",
            description = "Ports of all networks together (default 10000), 2 to 200 each.")
    int ports;

    @Option(
            names = "--loads",
            defaultValue = "3",
            description = "First loads of each side, 0 to 100 (default 3).")
    int loads;

    @Option(
            names = "--changes",
            defaultValue = "5",
            description = "Changes of each kind on each side, 0 to 50 (default 5).")
    int changes;

    @Option(names = "--side", defaultValue = "both", description = "ours, peer or both (default).")
    String side = "both";

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of our chassis' JVM; may be repeated.")
    List<String> chassisOptions = List.of();

    @Option(
            names = "--engine-jvm",
            paramLabel = "OPTION",
            description = "A further option of our engine's JVM; may be repeated.")
    List<String> engineOptions = List.of();

    /** Kinds of changes. */
    private enum Change {
        PORT("ovn-port-added"),
        RULE("ovn-rule-changed"),
        NETWORK("ovn-network-removed");

        final String label;

        Change(String label) {
            this.label = label;
        }
    }

    @Override
    public Integer call() {
        check();
        Main.needRoot("it makes a namespace");
        try (Cleanup cleanup = new Cleanup()) {
            Map<String, String> versions =
                    Map.of(
                            "peer",
                            StockChassis.version(),
                            "networks",
                            "" + networks,
                            "ports",
                            "" + ports);
            Findings<Run> findings = Findings.of(output, Machine.here(versions));
            new Session(OvnLab.open(Main.home(), cleanup), findings).run();
            findings.print();
        }
        return 0;
    }

    private void check() {
        output.check();
        within("--ports", ports, 2 * networks, OvnNetworks.MAX_PORTS_PER_NETWORK * networks);
        within("--loads", loads, 0, 100);
        within("--changes", changes, 0, 50);
        if (loads + changes == 0) {
            throw new BenchException("--loads and --changes are both 0: nothing is measured");
        }
        // Each change has a network of its own, the first ones too, which are not counted.
        int needed = changes == 0 ? 1 : 2 * Change.values().length * (changes + 1);
        within("--networks", networks, needed, OvnNetworks.MAX_NETWORKS);
    }

    private static void within(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new BenchException(
                    "%s is %d to %d, not %d".formatted(option, least, most, value));
        }
    }

    /** One run of the bench. */
    private final class Session {
        private final OvnLab lab;
        private final OvnDatabases ovn;
        private final Replica northbound;
        private final OvnWatch watch;
        private final OvnNetworks generator;
        private final Findings<Run> findings;

        /** How many configurations northd was asked for. */
        private long configuration;

        /** Changes. */
        private int made;

        /** Sides, for their first load. */
        private int started;

        Session(OvnLab lab, Findings<Run> findings) {
            this.lab = lab;
            this.findings = findings;
            ovn =
                    OvnDatabases.start(
                            lab.directory(),
                            (name, command) -> lab.start(lab.directory(), name, command));
            Shell.run("ovn-nbctl", "--timeout=30", "--db=unix:" + ovn.northboundSocket(), "init");
            northbound =
                    OvnDatabases.client(
                            "OVN_Northbound",
                            ovn.northboundSocket(),
                            List.of(Table.of("NB_Global", "nb_cfg")),
                            update -> {});
            lab.cleanup().add("northbound client", northbound::close);
            watch = new OvnWatch(ovn);
            lab.cleanup().add("southbound client", watch::close);
            generator = new OvnNetworks(northbound, networks, perNetwork(), hosts());
        }

        private int perNetwork() {
            return ports / networks;
        }

        /** Of the ports of a network, in turn: one here, one at the peer, the others elsewhere. */
        private List<String> hosts() {
            List<String> hosts = new ArrayList<>(List.of(OurChassis.HOST, StockChassis.HOST));
            IntStream.range(0, ELSEWHERE).forEach(i -> hosts.add("elsewhere-" + i));
            return hosts;
        }

        void run() {
            long begin = System.nanoTime();
            generate();
            tell("networks and ports are in the southbound database", begin);
            List<ChassisSide.Factory> sides = sides();
            for (int round = 1; round <= loads; round++) {
                for (int i = 0; i < sides.size(); i++) {
                    // The other one begins in each round.
                    load(sides.get((i + round - 1) % sides.size()), round);
                }
            }
            if (changes > 0) {
                changes(sides);
            }
            tell("done", begin);
        }

        private void tell(String what, long beginNanos) {
            System.err.printf(
                    "iod: %s, %d s%n", what, (System.nanoTime() - beginNanos) / 1_000_000_000);
        }

        private void generate() {
            // One computation in place of one for each project.
            standStill(ovn.northd(), generator::make);
            configuration =
                    northbound.read(
                            view ->
                                    view.rows("NB_Global")
                                            .mapToLong(row -> row.integer("nb_cfg"))
                                            .sum());
            watch.awaitNorthd(configuration, SECONDS);
            standStill(ovn.northd(), this::bindElsewhere);
            quiet(List.of());
        }

        private void standStill(Process process, Runnable work) {
            Shell.run("kill", "-STOP", "" + process.pid());
            work.run();
            Shell.run("kill", "-CONT", "" + process.pid());
        }

        private void bindElsewhere() {
            for (int host = 0; host < ELSEWHERE; host++) {
                String name = "elsewhere-" + host;
                watch.addChassis(name, "192.168.61." + (10 + host));
                List<String> there = new ArrayList<>();
                for (int network = 0; network < networks; network++) {
                    for (int port = 2 + host; port < perNetwork(); port += 2 + ELSEWHERE) {
                        there.add(OvnNetworks.port(network, port));
                    }
                }
                watch.bind(name, there);
            }
        }

        private List<ChassisSide.Factory> sides() {
            ChassisSide.Factory ours =
                    directory ->
                            new OurChassis(
                                    lab,
                                    directory,
                                    ovn,
                                    networks,
                                    new OurChassis.JvmOptions(chassisOptions, engineOptions));
            String peer = StockChassis.version();
            ChassisSide.Factory stock =
                    directory -> new StockChassis(lab, directory, peer, ovn, networks);
            return switch (side) {
                case "both" -> List.of(ours, stock);
                case "ours" -> List.of(ours);
                case "peer" -> List.of(stock);
                default -> throw new BenchException("--side is ours, peer or both, not " + side);
            };
        }

        /** One side alone, from nothing until its ports are up and nothing moves any more. */
        private void load(ChassisSide.Factory factory, int round) {
            try (ChassisSide side = factory.make("load-" + ++started)) {
                quiet(List.of(side.dataplane()));
                double switchBefore = Lab.cpuSeconds(side.dataplane());
                double serverBefore = Lab.cpuSeconds(ovn.southbound());
                long begin = System.nanoTime();
                side.start();
                watch.awaitUp(local(side), SECONDS, side::requireAlive);
                double millis = (System.nanoTime() - begin) / 1e6;
                quiet(List.of(side.chassis(), side.dataplane()));
                Footprint chassis = Footprint.of(side.chassis());
                Footprint dataplane = Footprint.of(side.dataplane());
                findings.add(
                        new Run(
                                "ovn-first-load",
                                side.name(),
                                round,
                                Map.of(
                                        Metric.COMMAND,
                                        millis,
                                        Metric.CHASSIS_CPU,
                                        Lab.cpuSeconds(side.chassis()) * 1e3,
                                        Metric.SWITCH_CPU,
                                        (Lab.cpuSeconds(side.dataplane()) - switchBefore) * 1e3,
                                        Metric.SERVER_CPU,
                                        (Lab.cpuSeconds(ovn.southbound()) - serverBefore) * 1e3,
                                        Metric.CHASSIS_PSS,
                                        chassis.pssMib(),
                                        Metric.CHASSIS_RSS,
                                        chassis.rssMib(),
                                        Metric.CHASSIS_PEAK,
                                        chassis.peakMib(),
                                        Metric.SWITCH_PSS,
                                        dataplane.pssMib(),
                                        Metric.SWITCH_RSS,
                                        dataplane.rssMib())));
            }
            quiet(List.of());
        }

        private Set<String> local(ChassisSide side) {
            int port = side.host().equals(OurChassis.HOST) ? 0 : 1;
            Set<String> local = new HashSet<>();
            for (int network = 0; network < networks; network++) {
                local.add(OvnNetworks.port(network, port));
            }
            return local;
        }

        /** Both are there; in each change one stands still, so that the other has the machine. */
        private void changes(List<ChassisSide.Factory> factories) {
            List<ChassisSide> sides = new ArrayList<>();
            try {
                for (ChassisSide.Factory factory : factories) {
                    ChassisSide side = factory.make("changes-" + sides.size());
                    sides.add(side);
                    side.start();
                    watch.awaitUp(local(side), SECONDS, side::requireAlive);
                }
                settle(sides);
                sides.forEach(this::idle);
                // Round 0 is not counted: what is done for the first time is done cold.
                for (int round = 0; round <= changes; round++) {
                    for (Change change : Change.values()) {
                        for (int i = 0; i < sides.size(); i++) {
                            ChassisSide side = sides.get((i + round) % sides.size());
                            change(sides, side, change, round);
                        }
                    }
                }
            } finally {
                sides.forEach(ChassisSide::close);
            }
        }

        private void settle(List<ChassisSide> sides) {
            quiet(sides.stream().map(ChassisSide::chassis).toList());
        }

        private void idle(ChassisSide side) {
            double begin = Lab.cpuSeconds(side.chassis());
            double switchBegin = Lab.cpuSeconds(side.dataplane());
            int seconds = 10;
            Shell.sleepMillis(seconds * 1000L);
            findings.add(
                    new Run(
                            "ovn-idle-10-s",
                            side.name(),
                            1,
                            Map.of(
                                    Metric.CHASSIS_CPU,
                                    (Lab.cpuSeconds(side.chassis()) - begin) * 1e3,
                                    Metric.SWITCH_CPU,
                                    (Lab.cpuSeconds(side.dataplane()) - switchBegin) * 1e3)));
        }

        private void change(List<ChassisSide> sides, ChassisSide side, Change change, int round) {
            List<ChassisSide> others = sides.stream().filter(other -> other != side).toList();
            others.forEach(ChassisSide::pause);
            double chassisBefore = Lab.cpuSeconds(side.chassis());
            double switchBefore = Lab.cpuSeconds(side.dataplane());
            long begin = System.nanoTime();
            make(change);
            long written = watch.awaitNorthd(++configuration, SECONDS);
            long answered = watch.awaitChassis(side.host(), configuration, SECONDS);
            Shell.sleepMillis(AFTER_MILLIS);
            if (round > 0) {
                findings.add(
                        new Run(
                                change.label,
                                side.name(),
                                round,
                                Map.of(
                                        Metric.COMMAND,
                                        (answered - written) / 1e6,
                                        Metric.CHASSIS_CPU,
                                        (Lab.cpuSeconds(side.chassis()) - chassisBefore) * 1e3,
                                        Metric.SWITCH_CPU,
                                        (Lab.cpuSeconds(side.dataplane()) - switchBefore) * 1e3,
                                        Metric.NORTHD,
                                        (written - begin) / 1e6)));
            }
            others.forEach(ChassisSide::resume);
            for (ChassisSide other : others) {
                watch.awaitChassis(other.host(), configuration, SECONDS);
            }
            settle(sides);
        }

        /** Each in a network that no change has touched yet. */
        private void make(Change change) {
            int network = networks - 1 - made++;
            switch (change) {
                case PORT -> generator.addPort(network, perNetwork());
                case RULE -> generator.changeRule(network / OvnNetworks.PROJECT, 8000 + made);
                case NETWORK -> generator.remove(network);
            }
        }

        /** Waits until neither the central processes nor these have anything to do. */
        private void quiet(List<Process> more) {
            List<Process> all = new ArrayList<>(more);
            all.add(ovn.southbound());
            all.add(ovn.northd());
            Quiet.await(all, SECONDS);
        }
    }
}
