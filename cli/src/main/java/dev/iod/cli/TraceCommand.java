package dev.iod.cli;

import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineReport;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./iod trace}. */
@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        description = {
            "Print the path of a packet through the pipeline of its node; nothing is sent.",
            "Stages, the logical flows that matched, what conntrack said, and where the packet would"
                    + " leave or why it would be dropped."
        })
final class TraceCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "PORT",
            description =
                    "Where it enters: a port's id or the start of it, its name, its server's name"
                            + " or an address.")
    private String port = "";

    @Parameters(
            index = "1",
            paramLabel = "PACKET",
            description = {
                "A protocol (icmp4 icmp6 tcp4 tcp6 udp4 udp6 ip4 ip6 arp) and fields: dst src"
                        + " dstport srcport flags type code ttl proto op dldst dlsrc,",
                "for example 'tcp4 dst=10.0.0.7 dstport=22'; names of ovn-sbctl's flows are known"
                        + " too: 'ip4.dst == 10.0.0.7 && tcp.dst == 22'. Or a frame in hex.",
                "What is left out is what the guest would use: its addresses, and the MAC of the"
                        + " destination or of the gateway."
            })
    private String packet = "";

    @Option(names = "--json", description = "Machine-readable.")
    private boolean json;

    @Override
    public Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        GuestPorts ports = new GuestPorts(config);
        GuestPort from = Target.bound(ports.find(port));
        byte[] frame = Microflow.frame(packet, from, address -> ports.nextHop(from, address));
        Southbound southbound = new Southbound(layout);
        long key =
                southbound
                        .portKey(from.id())
                        .orElseThrow(
                                () ->
                                        new CliException(
                                                "the network does not know "
                                                        + from.label()
                                                        + " yet"));
        EngineReport.Trace trace;
        EngineReport.Devices devices;
        try (Engine engine = new Engine(layout, from.node())) {
            trace = engine.ask(client -> client.trace(key, frame));
            devices = engine.ask(EngineClient::devices);
        }
        TraceReport report = TraceReport.of(from, frame, trace, devices, southbound, ports);
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report));
        } else {
            System.out.println("from " + from.label() + " on " + from.node());
            report.print();
        }
        return 0;
    }
}
