package dev.iod.cli;

import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.DeviceStatus;
import dev.iod.pipeline.EngineReport.FlowStatus;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./iod flows}. */
@Command(
        name = "flows",
        mixinStandardHelpOptions = true,
        description = {
            "Print live entries of the flow table, the busiest first, and how packets were handled:",
            "by an entry, by a known path, by the rules, and why some never leave an entry."
        })
final class FlowsCommand extends EngineReportCommand<FlowsCommand.NodeFlows> {
    private static final int MOST = 65_536;

    /** From an entry to the reasons why there is none. */
    private static final Set<Counter> HANDLING =
            EnumSet.of(
                    Counter.FLOW_HITS,
                    Counter.PATH_HITS,
                    Counter.FLOW_MISSES,
                    Counter.PATHS_FORGOTTEN,
                    Counter.FLOW_INSTALLS,
                    Counter.FLOW_STALE,
                    Counter.FLOW_EVICTIONS,
                    Counter.FLOW_EXPIRATIONS,
                    Counter.UNCACHED_CRAFTED,
                    Counter.UNCACHED_CONNECTION,
                    Counter.UNCACHED_FIELD,
                    Counter.UNCACHED_SHAPE,
                    Counter.FLOW_LIMIT,
                    Counter.TURNS_SKIPPED);

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "50",
            converter = Count.class,
            description = "Most entries of a node, 0 or more (default 50).")
    private int limit;

    /** One entry; {@code from} is a port or a tunnel. */
    record Entry(
            String from, String match, String actions, long packets, long bytes, long idleMillis) {}

    /**
     * @param port a port's id, or the name of another device
     * @param label what people call it
     * @param handled its packets that had no entry, by how they were handled and why
     */
    record PortPackets(String port, String label, Map<String, Long> handled) {}

    /**
     * @param entries number of entries in the node's table, of which some are listed
     * @param handled packets by how they were handled since the engine started
     */
    record NodeFlows(
            String node,
            int entries,
            List<Entry> flows,
            Map<String, Long> handled,
            List<PortPackets> ports) {}

    @Override
    NodeFlows ask(Question question) {
        EngineReport.Flows flows = question.engine().ask(client -> client.flows(MOST));
        Map<Integer, String> names = new HashMap<>();
        List<Integer> only = new ArrayList<>();
        List<PortPackets> ports = new ArrayList<>();
        for (DeviceStatus device : question.engine().ask(EngineClient::devices).devices()) {
            String label = question.label(device.name());
            names.put(device.id(), label);
            if (question.concerns(device.name())) {
                only.add(device.id());
                ports.add(new PortPackets(device.name(), label, handled(device.counters())));
            }
        }
        List<Entry> entries =
                flows.flows().stream()
                        .filter(flow -> question.port().isEmpty() || concerns(flow, only))
                        .map(flow -> entry(flow, names))
                        .sorted((a, b) -> Long.compare(b.packets(), a.packets()))
                        .limit(limit)
                        .toList();
        EngineReport.Counters counters = question.engine().ask(EngineClient::counters);
        return new NodeFlows(
                question.node(), flows.total(), entries, handled(counters.counters()), ports);
    }

    private static Map<String, Long> handled(Map<Counter, Long> counters) {
        Map<String, Long> handled = new LinkedHashMap<>();
        counters.forEach(
                (counter, count) -> {
                    if (HANDLING.contains(counter)) {
                        handled.put(counter.name(), count);
                    }
                });
        return handled;
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

    @Override
    void print(NodeFlows report, boolean all) {
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
        for (PortPackets port : report.ports) {
            System.out.printf("  %s%n", port.label);
            print(port.handled);
        }
        if (all) {
            System.out.println("  the whole node");
            print(report.handled);
        }
    }

    private static void print(Map<String, Long> handled) {
        handled.forEach((name, count) -> System.out.printf("    %-22s %12d%n", name, count));
    }
}
