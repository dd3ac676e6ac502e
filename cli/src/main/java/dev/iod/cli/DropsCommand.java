package dev.iod.cli;

import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EngineReport.DeviceStatus;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;

/** {@code ./iod drops}. */
@Command(
        name = "drops",
        mixinStandardHelpOptions = true,
        description = {
            "Print why packets were dropped, per port they entered by (or could not leave by),",
            "since the port was plugged or its engine started; docs/network.md explains the reasons."
        })
final class DropsCommand extends EngineReportCommand<DropsCommand.NodeDrops> {
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
    NodeDrops ask(Question question) {
        EngineReport.Counters counters = question.engine().ask(EngineClient::counters);
        List<PortDrops> ports =
                question.engine().ask(EngineClient::devices).devices().stream()
                        .filter(device -> question.concerns(device.name()))
                        .map(device -> port(device, question))
                        .toList();
        return new NodeDrops(question.node(), names(counters.drops()), ports);
    }

    private static PortDrops port(DeviceStatus device, Question question) {
        return new PortDrops(
                device.name(),
                question.label(device.name()),
                device.receivedPackets(),
                device.sentPackets(),
                names(device.drops()));
    }

    private static Map<String, Long> names(Map<? extends Enum<?>, Long> counts) {
        Map<String, Long> names = new TreeMap<>();
        counts.forEach((reason, count) -> names.put(reason.name(), count));
        return names;
    }

    @Override
    void print(NodeDrops node, boolean all) {
        System.out.println(node.node);
        for (PortDrops port : node.ports) {
            System.out.printf(
                    "  %s: %d packets in, %d out%n",
                    port.label, port.receivedPackets, port.sentPackets);
            print(port.drops);
        }
        if (all) {
            System.out.println("  the whole node");
            print(node.drops);
        }
    }

    private static void print(Map<String, Long> drops) {
        drops.forEach((reason, count) -> System.out.printf("    %-26s %12d%n", reason, count));
    }
}
