package dev.iod.cli;

import dev.iod.eswitch.Counter;
import dev.iod.eswitch.EngineClient;
import dev.iod.eswitch.EngineReport;
import dev.iod.eswitch.EngineReport.FlowStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./iod flows}. */
@Command(
        name = "flows",
        mixinStandardHelpOptions = true,
        description = {
            "Print live entries of the flow table, the busiest first, and how packets were handled:",
            "by an entry, by a known path, by the rules, and why some never leave an entry."
        })
final class FlowsCommand implements Callable<Integer> {
    private static final int MOST = 65_536;

    @Parameters(
            arity = "0..1",
            paramLabel = "NODE|PORT",
            description = "Only of a node, or what entered by or goes to a port.")
    private @Nullable String what;

    @Option(
            names = "--limit",
            defaultValue = "50",
            description = "Most entries of a node (default 50).")
    private int limit;

    @Option(names = "--json", description = "Machine-readable.")
    private boolean json;

    /** One entry; {@code from} is a port or a tunnel. */
    record Entry(
            String from, String match, String actions, long packets, long bytes, long idleMillis) {}

    /**
     * @param entries number of entries in the node's table, of which some are listed
     * @param handled packets by how they were handled since the engine started
     */
    record NodeFlows(String node, int entries, List<Entry> flows, Map<String, Long> handled) {}

    @Override
    public Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        GuestPorts ports = new GuestPorts(config);
        Target target = Target.of(config, what, () -> ports);
        List<NodeFlows> report = new ArrayList<>();
        for (String node : target.nodes()) {
            try (Engine engine = new Engine(layout, node)) {
                report.add(ask(node, engine, ports, target));
            }
        }
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report));
        } else {
            report.forEach(FlowsCommand::print);
        }
        return 0;
    }

    private NodeFlows ask(String node, Engine engine, GuestPorts ports, Target target) {
        EngineReport.Flows flows = engine.ask(client -> client.flows(MOST));
        Map<Integer, String> names = new HashMap<>();
        List<Integer> only = new ArrayList<>();
        for (EngineReport.DeviceStatus device : engine.ask(EngineClient::devices).devices()) {
            names.put(
                    device.id(),
                    ports.byId(device.name()).map(GuestPort::label).orElse(device.name()));
            if (target.port().isPresent() && target.port().get().id().equals(device.name())) {
                only.add(device.id());
            }
        }
        List<Entry> entries =
                flows.flows().stream()
                        .filter(flow -> target.port().isEmpty() || concerns(flow, only))
                        .map(flow -> entry(flow, names))
                        .sorted((a, b) -> Long.compare(b.packets(), a.packets()))
                        .limit(Math.max(0, limit))
                        .toList();
        EngineReport.Counters counters = engine.ask(EngineClient::counters);
        Map<String, Long> handled = new LinkedHashMap<>();
        for (Counter counter : counters.counters().keySet()) {
            String name = counter.name();
            if (name.startsWith("FLOW_")
                    || name.startsWith("PATH")
                    || name.startsWith("UNCACHED_")) {
                handled.put(name, counters.counters().getOrDefault(counter, 0L));
            }
        }
        return new NodeFlows(node, flows.total(), entries, handled);
    }

    private static boolean concerns(FlowStatus flow, List<Integer> devices) {
        return devices.stream()
                .anyMatch(
                        id ->
                                (flow.key() + ",").startsWith("device=" + id + ",")
                                        || FlowText.outputs(flow.actions(), id));
    }

    private static Entry entry(FlowStatus flow, Map<Integer, String> names) {
        return new Entry(
                FlowText.from(flow.key(), names),
                FlowText.match(flow.key()),
                FlowText.actions(flow.actions(), names),
                flow.packets(),
                flow.bytes(),
                flow.idleMillis());
    }

    private static void print(NodeFlows report) {
        System.out.printf("%s: %d entries%n", report.node, report.entries);
        for (Entry entry : report.flows) {
            System.out.printf(
                    "  from %s %s%n      => %s; %d packets, %d bytes, idle %.1f s%n",
                    entry.from,
                    entry.match,
                    entry.actions,
                    entry.packets,
                    entry.bytes,
                    entry.idleMillis / 1000.0);
        }
        report.handled.forEach((name, count) -> System.out.printf("  %-22s %12d%n", name, count));
    }
}
