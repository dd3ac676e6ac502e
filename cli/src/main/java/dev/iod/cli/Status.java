package dev.iod.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/** What runs, and what it costs. */
final class Status {
    private final Layout layout;
    private final RegionConfig config;

    Status(Layout layout, RegionConfig config) {
        this.layout = layout;
        this.config = config;
    }

    /**
     * @param pid 0 when the process does not run
     * @param residentBytes proportional resident memory with its children, bytes
     */
    record Running(String name, String node, long pid, long residentBytes, double cpuSeconds) {}

    record Node(String name, String state, List<String> servers) {}

    record Report(List<Running> processes, List<Node> nodes) {}

    Report report() {
        return new Report(processes(), Api.answers(config.api()) ? nodes() : List.of());
    }

    List<Running> processes() {
        Supervisor supervisor = Supervisor.ofMachine(layout);
        List<Running> processes = new ArrayList<>();
        for (Supervisor.Service service : new Services(layout, config).all()) {
            OptionalLong pid = supervisor.pid(service.name());
            String node =
                    config.nodeNames().stream()
                            .filter(name -> service.name().startsWith(name + "-"))
                            .findFirst()
                            .orElse("");
            long id = pid.orElse(0);
            processes.add(
                    new Running(
                            service.name(),
                            node,
                            id,
                            id == 0 ? 0 : Proc.residentBytes(id),
                            id == 0 ? 0 : Proc.cpuSeconds(id)));
        }
        return processes;
    }

    private List<Node> nodes() {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        Map<String, List<String>> servers = new LinkedHashMap<>();
        for (JsonNode server :
                admin.get("/compute/v2.1/servers/detail?all_tenants=1").at("/servers")) {
            servers.computeIfAbsent(
                            server.at("/OS-EXT-SRV-ATTR:host").asString(""),
                            ignored -> new ArrayList<>())
                    .add(server.at("/id").stringValue());
        }
        List<Node> nodes = new ArrayList<>();
        for (JsonNode node : admin.get("/iod/v1/nodes").at("/nodes")) {
            String name = node.at("/name").stringValue();
            nodes.add(
                    new Node(
                            name,
                            node.at("/state").asString(),
                            servers.getOrDefault(name, List.of())));
        }
        return nodes;
    }

    static void print(Report report) {
        System.out.printf("%-14s %-5s %8s %10s %10s%n", "PROCESS", "NODE", "PID", "MEMORY", "CPU");
        for (Running p : report.processes()) {
            System.out.printf(
                    "%-14s %-5s %8s %7d MB %8.1f s%n",
                    p.name(),
                    p.node(),
                    p.pid() == 0 ? "stopped" : p.pid(),
                    p.residentBytes() >> 20,
                    p.cpuSeconds());
        }
        for (Node node : report.nodes()) {
            System.out.printf(
                    "node %s: %s, %d servers%n", node.name(), node.state(), node.servers().size());
        }
    }
}
