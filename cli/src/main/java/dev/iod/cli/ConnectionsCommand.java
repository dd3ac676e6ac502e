package dev.iod.cli;

import dev.iod.pipeline.ConnectionStatus;
import dev.iod.pipeline.EngineReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./iod connections}. */
@Command(
        name = "connections",
        mixinStandardHelpOptions = true,
        description = {
            "Print what connection tracking remembers, in the form of ovs-appctl dpctl/dump-conntrack,",
            "with the port whose zone it is and the time left."
        })
final class ConnectionsCommand extends EngineReportCommand<ConnectionsCommand.NodeConnections> {
    private static final int AT_ONCE = 1024;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "100",
            converter = Count.class,
            description = "Most connections of a node, 0 or more (default 100).")
    private int limit;

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
    NodeConnections ask(Question question) {
        Map<Integer, String> zones = zones(question);
        List<Row> rows = new ArrayList<>();
        int cursor = 0;
        int total;
        do {
            int from = cursor;
            EngineReport.Connections part =
                    question.engine().ask(client -> client.connections(from, AT_ONCE));
            for (ConnectionStatus c : part.connections()) {
                String owner = zones.getOrDefault(c.zone(), "");
                if (question.concerns(owner) && rows.size() < limit) {
                    String label = question.label(owner);
                    long left = Math.max(0, c.leftMillis() / 1000);
                    rows.add(new Row(label, c.zone(), c.replied(), left, c.text()));
                }
            }
            total = part.total();
            cursor = part.next();
        } while (cursor != 0 && rows.size() < limit);
        return new NodeConnections(question.node(), total, rows);
    }

    /** The agent's zones: a number and its owner per line. */
    private static Map<Integer, String> zones(Question question) {
        Map<Integer, String> zones = new HashMap<>();
        Path file = question.layout().node(question.node()).resolve("dpu/zones");
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

    @Override
    void print(NodeConnections report, boolean all) {
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
