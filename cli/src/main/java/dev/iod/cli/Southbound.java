package dev.iod.cli;

import dev.iod.pipeline.PortKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What the engines' rules were made from. */
final class Southbound {
    private static final int AT_ONCE = 500;

    private final Layout layout;

    Southbound(Layout layout) {
        this.layout = layout;
    }

    /** A logical flow. */
    record Flow(String stage, int priority, String match, String actions) {}

    /** A logical switch or router. */
    record Datapath(String kind, String name) {}

    /** The {@link PortKey} of a logical port. */
    Optional<Long> portKey(String port) {
        for (Map<String, JsonNode> row :
                query("datapath,tunnel_key", "find", "Port_Binding", "logical_port=" + port)) {
            String datapath = uuid(field(row, "datapath"));
            for (Map<String, JsonNode> of :
                    query("tunnel_key", "list", "Datapath_Binding", datapath)) {
                return Optional.of(
                        PortKey.of(
                                field(of, "tunnel_key").asInt(), field(row, "tunnel_key").asInt()));
            }
        }
        return Optional.empty();
    }

    Map<Integer, Datapath> datapaths() {
        Map<Integer, Datapath> datapaths = new HashMap<>();
        for (Map<String, JsonNode> row :
                query("tunnel_key,external_ids", "list", "Datapath_Binding")) {
            Map<String, String> ids = map(field(row, "external_ids"));
            String name = ids.getOrDefault("name2", ids.getOrDefault("name", ""));
            datapaths.put(
                    field(row, "tunnel_key").asInt(),
                    new Datapath(
                            ids.containsKey("logical-router") ? "router" : "switch",
                            name.isEmpty() ? ids.getOrDefault("name", "") : name));
        }
        return datapaths;
    }

    /** Chassis names by the address of their tunnels. */
    Map<String, String> chassis() {
        Map<String, String> names = new HashMap<>();
        for (Map<String, JsonNode> row : query("ip,chassis_name", "list", "Encap")) {
            names.put(field(row, "ip").asString(), field(row, "chassis_name").asString());
        }
        return names;
    }

    /** The flows that still exist, by uuid. */
    Map<String, Flow> flows(Collection<String> uuids) {
        Map<String, Flow> flows = new HashMap<>();
        List<String> all = uuids.stream().distinct().toList();
        for (int from = 0; from < all.size(); from += AT_ONCE) {
            List<String> words = new ArrayList<>(List.of("--if-exists", "list", "Logical_Flow"));
            words.addAll(all.subList(from, Math.min(all.size(), from + AT_ONCE)));
            for (Map<String, JsonNode> row :
                    query(
                            "_uuid,priority,match,actions,external_ids",
                            words.toArray(String[]::new))) {
                flows.put(
                        uuid(field(row, "_uuid")),
                        new Flow(
                                map(field(row, "external_ids")).getOrDefault("stage-name", ""),
                                field(row, "priority").asInt(),
                                field(row, "match").asString(),
                                field(row, "actions").asString()));
            }
        }
        return flows;
    }

    /** Rows of {@code ovn-sbctl --format=json}: an object of headings and data (ovs-vsctl(8)). */
    private List<Map<String, JsonNode>> query(String columns, String... words) {
        List<String> command = new ArrayList<>();
        command.add("ovn-sbctl");
        command.add("--timeout=20");
        command.add("--db=unix:" + layout.ovn().resolve("sb.sock"));
        command.add("--format=json");
        command.add("--columns=" + columns);
        command.addAll(List.of(words));
        JsonNode answer = Api.JSON.readTree(Shell.run(command.toArray(String[]::new)));
        List<Map<String, JsonNode>> rows = new ArrayList<>();
        for (JsonNode data : answer.at("/data")) {
            Map<String, JsonNode> row = new LinkedHashMap<>();
            for (int i = 0; i < data.size(); i++) {
                row.put(answer.at("/headings").get(i).asString(), data.get(i));
            }
            rows.add(row);
        }
        return rows;
    }

    private static JsonNode field(Map<String, JsonNode> row, String name) {
        return Optional.ofNullable(row.get(name))
                .orElseThrow(() -> new CliException("ovn-sbctl gave no column " + name));
    }

    /** {@code ["uuid", "..."]} */
    private static String uuid(JsonNode value) {
        return value.get(1).asString();
    }

    /** {@code ["map", [[key, value], ...]]} */
    private static Map<String, String> map(JsonNode value) {
        Map<String, String> map = new HashMap<>();
        for (JsonNode pair : value.get(1)) {
            map.put(pair.get(0).asString(), pair.get(1).asString());
        }
        return map;
    }
}
