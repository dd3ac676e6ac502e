package dev.iod.cli;

import dev.iod.eswitch.EngineClient;
import dev.iod.eswitch.EngineReport;
import dev.iod.eswitch.EngineReport.DeviceStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./iod drops}. */
@Command(
        name = "drops",
        mixinStandardHelpOptions = true,
        description = {
            "Print why packets were dropped, per port they entered by (or could not leave by),",
            "since the port was plugged or its engine started; docs/network.md explains the reasons."
        })
final class DropsCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "NODE|PORT", description = "Only of a node or a port.")
    private @Nullable String what;

    @Option(names = "--json", description = "Machine-readable.")
    private boolean json;

    /**
     * @param port a port's id, or the name of another device
     * @param label what people call it
     */
    record PortDrops(
            String port,
            String label,
            long receivedPackets,
            long sentPackets,
            Map<String, Long> drops) {}

    /**
     * @param drops of the whole node, ports that are gone included
     */
    record NodeDrops(String node, Map<String, Long> drops, List<PortDrops> ports) {}

    @Override
    public Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        GuestPorts ports = new GuestPorts(config);
        Target target = Target.of(config, what, () -> ports);
        List<NodeDrops> report = new ArrayList<>();
        for (String node : target.nodes()) {
            try (Engine engine = new Engine(layout, node)) {
                EngineReport.Counters counters = engine.ask(EngineClient::counters);
                List<PortDrops> devices =
                        engine.ask(EngineClient::devices).devices().stream()
                                .filter(
                                        device ->
                                                target.port()
                                                        .map(p -> p.id().equals(device.name()))
                                                        .orElse(true))
                                .map(device -> port(device, ports))
                                .toList();
                report.add(new NodeDrops(node, names(counters.drops()), devices));
            }
        }
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report));
        } else {
            report.forEach(node -> print(node, target.port().isEmpty()));
        }
        return 0;
    }

    private static PortDrops port(DeviceStatus device, GuestPorts ports) {
        return new PortDrops(
                device.name(),
                ports.byId(device.name()).map(GuestPort::label).orElse(device.name()),
                device.receivedPackets(),
                device.sentPackets(),
                names(device.drops()));
    }

    private static Map<String, Long> names(Map<? extends Enum<?>, Long> counts) {
        Map<String, Long> names = new TreeMap<>();
        counts.forEach((reason, count) -> names.put(reason.name(), count));
        return names;
    }

    private static void print(NodeDrops node, boolean total) {
        System.out.println(node.node);
        for (PortDrops port : node.ports) {
            System.out.printf(
                    "  %s: %d packets in, %d out%n",
                    port.label, port.receivedPackets, port.sentPackets);
            print(port.drops);
        }
        if (total) {
            System.out.println("  the whole node");
            print(node.drops);
        }
    }

    private static void print(Map<String, Long> drops) {
        drops.forEach((reason, count) -> System.out.printf("    %-26s %12d%n", reason, count));
    }
}
