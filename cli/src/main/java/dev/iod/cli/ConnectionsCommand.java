package dev.iod.cli;

import dev.iod.eswitch.ConnectionStatus;
import dev.iod.eswitch.EngineReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./iod connections}. */
@Command(
        name = "connections",
        mixinStandardHelpOptions = true,
        description = {
            "Print what connection tracking remembers, in the form of ovs-appctl dpctl/dump-conntrack,",
            "with the port whose zone it is and the time left."
        })
final class ConnectionsCommand implements Callable<Integer> {
    private static final int AT_ONCE = 1024;

    @Parameters(
            arity = "0..1",
            paramLabel = "NODE|PORT",
            description = "Only of a node or of a port's zone.")
    private @Nullable String what;

    @Option(
            names = "--limit",
            defaultValue = "100",
            description = "Most connections of a node (default 100).")
    private int limit;

    @Option(names = "--json", description = "Machine-readable.")
    private boolean json;

    /**
     * @param owner the port (or other owner) of the zone
     * @param leftSeconds until it is forgotten, unless packets come
     */
    record Row(String owner, int zone, boolean replied, long leftSeconds, String connection) {}

    /**
     * @param total connections of the node, of which some are listed
     */
    record NodeConnections(String node, int total, List<Row> connections) {}

    @Override
    public Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        GuestPorts ports = new GuestPorts(config);
        Target target = Target.of(config, what, () -> ports);
        List<NodeConnections> report = new ArrayList<>();
        for (String node : target.nodes()) {
            try (Engine engine = new Engine(layout, node)) {
                report.add(ask(node, engine, zones(layout, node), ports, target));
            }
        }
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report));
        } else {
            report.forEach(ConnectionsCommand::print);
        }
        return 0;
    }

    private NodeConnections ask(
            String node,
            Engine engine,
            Map<Integer, String> zones,
            GuestPorts ports,
            Target target) {
        List<Row> rows = new ArrayList<>();
        int cursor = 0;
        int total;
        do {
            int from = cursor;
            EngineReport.Connections part = engine.ask(client -> client.connections(from, AT_ONCE));
            for (ConnectionStatus c : part.connections()) {
                String owner = zones.getOrDefault(c.zone(), "");
                boolean wanted = target.port().map(p -> p.id().equals(owner)).orElse(true);
                if (wanted && rows.size() < limit) {
                    String label = ports.byId(owner).map(GuestPort::label).orElse(owner);
                    long left = Math.max(0, c.leftMillis() / 1000);
                    rows.add(new Row(label, c.zone(), c.replied(), left, c.text()));
                }
            }
            total = part.total();
            cursor = part.next();
        } while (cursor != 0 && rows.size() < limit);
        return new NodeConnections(node, total, rows);
    }

    /** The agent's zones: a number and its owner per line. */
    private static Map<Integer, String> zones(Layout layout, String node) {
        Map<Integer, String> zones = new HashMap<>();
        Path file = layout.node(node).resolve("dpu/zones");
        if (Files.exists(file)) {
            for (String line : Layout.read(file).lines().toList()) {
                String[] words = line.split(" ", 2);
                if (words.length == 2 && words[0].matches("\\d{1,5}")) {
                    zones.put(Integer.parseInt(words[0]), words[1]);
                }
            }
        }
        return zones;
    }

    private static void print(NodeConnections report) {
        System.out.printf("%s: %d connections%n", report.node, report.total);
        for (Row row : report.connections) {
            System.out.printf(
                    "  %s%s, %s, %d s left%n",
                    row.owner.isEmpty() ? "" : row.owner + ": ",
                    row.connection,
                    row.replied ? "answered" : "one way",
                    row.leftSeconds);
        }
    }
}
