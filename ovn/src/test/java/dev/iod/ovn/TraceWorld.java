package dev.iod.ovn;

import dev.iod.ovn.RandomTopology.Host;
import dev.iod.ovn.RandomTopology.Network;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.AssumedConnection;
import dev.iod.pipeline.EngineReport.TraceOutput;
import dev.iod.pipeline.EngineReport.TraceStep;
import dev.iod.pipeline.Entity;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Many random topologies in one real OVN central, the engine's own process fed by a chassis, and
 * ovn-trace beside it. Ports of the chassis "n2", which does not run, are behind tunnels.
 */
final class TraceWorld implements AutoCloseable {
    private static final int NORTH_BATCH = 10;

    final List<RandomTopology> topologies = new ArrayList<>();
    final MemoryEngine entities = new MemoryEngine();
    private final Deque<Runnable> opened = new ArrayDeque<>();
    private final OvnCentral central;
    private final RealEngine engine;
    private final Path directory;
    private final long seed;
    private Optional<TraceDaemon> daemon = Optional.empty();
    private int daemons;
    private final Set<String> plugged = new HashSet<>();
    private final Map<String, String> tunnels = new HashMap<>();
    private final Map<String, Long> keys = new HashMap<>();
    private final Map<Long, String> names = new HashMap<>();

    /** What one packet did under the same assumptions here and there. */
    record Case(
            Flow flow,
            String summary,
            List<String> states,
            boolean comparable,
            List<String> expected,
            List<String> found,
            List<TraceStep> steps) {
        boolean agrees() {
            return expected.equals(found);
        }

        /** Without what only a failure needs. */
        Case lean() {
            List<TraceStep> visits =
                    steps.stream()
                            .filter(step -> step.what().startsWith("priority "))
                            .map(
                                    step ->
                                            new TraceStep(
                                                    step.datapath(),
                                                    step.stage(),
                                                    step.table(),
                                                    step.cookie().intern(),
                                                    ""))
                            .toList();
            return new Case(flow, "", states, comparable, expected, found, visits);
        }

        @Override
        public String toString() {
            var text = new StringBuilder(flow.expression());
            text.append("\n  conntrack: ").append(states);
            text.append("\n  ovn-trace: ").append(expected);
            text.append("\n  engine:    ").append(found).append('\n');
            for (TraceStep step : steps) {
                boolean rule = step.what().startsWith("priority ");
                String what = rule ? step.what().replaceFirst(":.*", "") : step.what();
                text.append("    ").append(step.datapath()).append(' ').append(step.stage());
                text.append(' ').append(step.table()).append(' ').append(what).append('\n');
            }
            return text.append(summary).toString();
        }
    }

    private static final class Silent implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }

    TraceWorld(Path directory, int count, long seed) throws Exception {
        this.directory = directory;
        this.seed = seed;
        for (int i = 1; i <= count; i++) {
            topologies.add(new RandomTopology(i, seed));
        }
        central = new OvnCentral(directory);
        opened.addFirst(central::close);
        engine = new RealEngine(directory);
        opened.addFirst(engine::close);
    }

    /** Fills the databases and waits until the engine has it all. */
    void fill() throws Exception {
        north();
        south(new Random(seed));
        var config =
                new Chassis.Config(
                        "n1",
                        "n1",
                        "192.168.60.1",
                        List.of(central.southbound()),
                        Optional.empty(),
                        directory.resolve("zones"),
                        false);
        Engine real = Engine.over(engine.client());
        Engine both =
                change -> {
                    entities.commit(change);
                    return real.commit(change);
                };
        Chassis chassis = Chassis.open(config, both, new Silent());
        opened.addFirst(chassis::close);
        plug(chassis);
        startTrace();
        opened.addFirst(() -> daemon.ifPresent(TraceDaemon::close));
    }

    /** Each daemon of a run has other states of connections to give. */
    private void startTrace() {
        daemon.ifPresent(TraceDaemon::close);
        daemon = Optional.empty();
        String name = "trace" + daemons;
        String southbound = "unix:" + directory.resolve("sb.sock");
        daemon =
                Optional.of(
                        new TraceDaemon(directory, name, southbound, new Random(seed + daemons)));
        daemons++;
    }

    private String summary(Flow flow) {
        String summary = daemon.orElseThrow().summary(flow.expression());
        if (summary.contains(TraceDaemon.USED_UP)) {
            startTrace();
            summary = daemon.orElseThrow().summary(flow.expression());
        }
        return summary;
    }

    private void north() {
        central.pause();
        var command = new ArrayList<String>();
        for (RandomTopology topology : topologies) {
            for (List<String> words : topology.commands()) {
                command.add("--");
                command.addAll(words);
            }
            if (topology.number % NORTH_BATCH == 0 || topology.equals(topologies.getLast())) {
                central.nb(command.toArray(String[]::new));
                command.clear();
            }
        }
        dhcp();
        // northd writes for the least able of all chassis.
        central.sb(
                "--",
                "chassis-add",
                "n2",
                "geneve",
                RandomTopology.REMOTE_ADDRESS,
                "--",
                "set",
                "Chassis",
                "n2",
                "other_config:ct-no-masked-label=true",
                "other_config:mac-binding-timestamp=true",
                "other_config:ovn-ct-lb-related=true",
                "other_config:port-up-notif=true");
        central.resume();
        central.nb("--wait=sb", "sync");
    }

    /** Every second network has DHCP. */
    private void dhcp() {
        var command = new ArrayList<String>();
        int id = 0;
        for (RandomTopology topology : topologies) {
            for (Network network : topology.networks) {
                if (network.index() % 2 != topology.number % 2) {
                    continue;
                }
                String row = "@d" + id++;
                command.addAll(List.of("--", "--id=" + row));
                command.addAll(RandomTopology.dhcp(network));
                for (Host host : topology.hosts) {
                    if (host.network().equals(network)) {
                        command.addAll(List.of("--", "set", "Logical_Switch_Port", host.name()));
                        command.add("dhcpv4_options=" + row);
                    }
                }
            }
        }
        central.nb(command.toArray(String[]::new));
    }

    /** Binds the ports of "n2", and tells routers some neighbours that they have learned. */
    private void south(Random random) {
        var command = new ArrayList<String>();
        Map<String, String> datapaths = new HashMap<>();
        String[] rows =
                central.sb(
                                "--format=csv",
                                "--no-headings",
                                "--columns=logical_port,datapath",
                                "list",
                                "Port_Binding")
                        .split("\n", -1);
        for (String row : rows) {
            String[] columns = row.replace("\"", "").split(",", -1);
            datapaths.put(columns[0], columns[1]);
        }
        for (RandomTopology topology : topologies) {
            for (Host host : topology.hosts) {
                if (host.remote()) {
                    command.addAll(List.of("--", "lsp-bind", host.name(), "n2"));
                    tunnels.put(host.name(), RandomTopology.REMOTE_ADDRESS);
                }
            }
            for (Network network : topology.networks) {
                if (topology.routed && random.nextInt(3) > 0) {
                    String port = network.routerPort();
                    String datapath = datapaths.getOrDefault(port, "");
                    neighbor(command, port, datapath, network.prefix4() + "99");
                    if (network.six()) {
                        neighbor(command, port, datapath, "\"" + network.prefix6() + "77\"");
                    }
                }
            }
        }
        central.sb(command.toArray(String[]::new));
    }

    private static void neighbor(List<String> command, String port, String datapath, String ip) {
        command.addAll(List.of("--", "create", "MAC_Binding", "logical_port=" + port));
        command.addAll(List.of("datapath=" + datapath, "ip=" + ip, "mac=\"02:00:00:00:77:77\""));
    }

    private void plug(Chassis chassis) throws InterruptedException {
        // Else it computes everything again for every port that comes up.
        central.pause();
        int id = 0;
        for (RandomTopology topology : topologies) {
            for (Host host : topology.local().toList()) {
                plugged.add(host.name());
                String socket = directory.resolve("none").toString();
                var kind = new Entity.Kind.VhostUser(socket, ++id);
                chassis.plug(host.name(), new Entity.Device(id, host.name(), kind, 1442));
            }
        }
        chassis.portsKnown();
        for (String name : plugged) {
            Waiting.until(() -> chassis.port(name).orElseThrow().ready());
        }
        central.resume();
        central.nb("--wait=sb", "sync");
        long configuration =
                Long.parseLong(central.nb("--bare", "--columns=nb_cfg", "list", "NB_Global"));
        Waiting.until(() -> chassis.status().configuration() >= configuration);
        for (Entity.LogicalPort port : entities.all(Entity.LogicalPort.class)) {
            keys.put(port.name(), port.key());
            names.put(port.key(), port.name());
        }
        for (Entity.MulticastGroup group : entities.all(Entity.MulticastGroup.class)) {
            names.put(group.key(), group.name());
        }
    }

    /** northd's name of the stage of every logical flow, by the flow's number. */
    Map<String, String> stages() {
        Map<String, String> stages = new HashMap<>();
        String[] rows =
                central.sb("--bare", "--columns=_uuid,external_ids", "list", "Logical_Flow")
                        .split("\n\n", -1);
        for (String row : rows) {
            String[] lines = row.strip().split("\n", -1);
            for (String word : lines[1].split(" ", -1)) {
                if (word.startsWith("stage-name=")) {
                    stages.put(lines[0], word.substring(11));
                }
            }
        }
        return stages;
    }

    /** Asks ovn-trace, and the engine under what ovn-trace assumed of connections. */
    Case run(Flow flow) {
        String summary = summary(flow);
        Expectation expectation = Expectation.of(summary, flow.frame(), tunnels, plugged);
        EngineReport.Trace trace = engine(flow, expectation.states());
        return new Case(
                flow,
                summary,
                expectation.states(),
                !expectation.unsure() && !expectation.trackedCopies(),
                expectation.outputs(),
                outputs(trace),
                trace.steps());
    }

    /** The engine alone once more. */
    Case again(Case before) {
        EngineReport.Trace trace = engine(before.flow(), before.states());
        return new Case(
                before.flow(),
                before.summary(),
                before.states(),
                before.comparable(),
                before.expected(),
                outputs(trace),
                trace.steps());
    }

    private EngineReport.Trace engine(Flow flow, List<String> states) {
        List<AssumedConnection> assumed =
                states.isEmpty()
                        ? List.of(new AssumedConnection(1, 0))
                        : states.stream().map(TraceWorld::assumed).toList();
        return engine.client()
                .trace(keys.getOrDefault(flow.port(), 0L), flow.frame(), assumed)
                .orTimeout(60, TimeUnit.SECONDS)
                .join();
    }

    private static AssumedConnection assumed(String flags) {
        int state = 0;
        for (String flag : flags.split("\\|", -1)) {
            state |=
                    switch (flag) {
                        case "new" -> 1;
                        case "est" -> 2;
                        case "rel" -> 4;
                        case "rpl" -> 8;
                        case "inv" -> 16;
                        case "trk" -> 32;
                        default -> throw new IllegalStateException(flags);
                    };
        }
        return new AssumedConnection(state, 0);
    }

    private List<String> outputs(EngineReport.Trace trace) {
        var found = new ArrayList<String>();
        for (TraceOutput output : trace.outputs()) {
            String port = names.getOrDefault(output.outPort(), "port " + output.outPort());
            String where = output.tunnelAddress() == 0 ? port : tunnel(output) + " " + port;
            found.add(where + Headers.of(output.frame()));
        }
        return found.stream().sorted().toList();
    }

    private static String tunnel(TraceOutput output) {
        int a = output.tunnelAddress();
        return (a >>> 24) + "." + (a >>> 16 & 255) + "." + (a >>> 8 & 255) + "." + (a & 255);
    }

    /** Puts other rows into the engine behind the chassis' back. */
    void put(List<Entity> rows) {
        Engine.over(engine.client())
                .commit(new Engine.Change(false, rows, List.of()))
                .toCompletableFuture()
                .orTimeout(60, TimeUnit.SECONDS)
                .join();
    }

    @Override
    public void close() {
        opened.forEach(Runnable::run);
    }
}
