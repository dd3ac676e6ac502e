package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** What ./iod says of packets: trace, flows, drops and connections of a server's ports. */
@ExtendWith(Region.Shared.class)
final class ExplainTest {
    @Test
    void aPacketsPathAndWhatBecameOfOthers(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("ex-net", "10.83.1.0/24");
            tenant.securityGroup("ex-ssh", "--protocol tcp --dst-port 22");
            JsonNode from = tenant.port("ex-from", "ex-net", "ex-ssh");
            JsonNode to = tenant.port("ex-to", "ex-net", "ex-ssh");
            tenant.server("ex-server", "--port ex-from --port ex-to");
            String id = from.at("/id").stringValue();
            String address = Tenant.address(to);

            JsonNode delivered = json(region, "trace", id, "tcp4 dst=" + address + " dstport=22");
            assertThat(delivered.at("/result").asString())
                    .as(delivered.toString())
                    .isEqualTo("delivered");
            assertThat(delivered.at("/outputs").size()).isEqualTo(1);
            assertThat(delivered.at("/outputs/0/to").asString()).startsWith("ex-server");
            assertThat(texts(delivered, "stage")).contains("ls_in_check_port_sec", "ls_out_acl");
            assertThat(texts(delivered, "match"))
                    .anyMatch(match -> match.contains("tcp.dst == 22"));
            assertThat(texts(delivered, "note"))
                    .filteredOn(note -> note.startsWith("conntrack zone"))
                    .hasSizeGreaterThanOrEqualTo(2)
                    .allMatch(note -> note.endsWith(": new|trk"));

            JsonNode denied =
                    json(region, "trace", "ex-from", "tcp4 dst=" + address + " dstport=23");
            assertThat(denied.at("/result").asString()).isEqualTo("dropped");
            assertThat(denied.at("/reason").asString()).as(denied.toString()).isEqualTo("POLICY");
            assertThat(texts(denied, "stage"))
                    .filteredOn(stage -> !stage.isEmpty())
                    .last()
                    .isEqualTo("ls_out_acl");

            String spoofed =
                    region.iod(
                            "trace",
                            id.substring(0, 8),
                            "icmp4 src=10.83.1.250 dst=" + address + " dlsrc=02:00:00:00:00:66");
            assertThat(spoofed)
                    .contains("ls_in_apply_port_sec")
                    .containsPattern("result: dropped, \\w+ in ls_in_apply_port_sec");

            assertThatThrownBy(() -> region.iod("trace", "nobody", "icmp4 dst=10.0.0.1"))
                    .hasMessageContaining("no port 'nobody'");
            realTraffic(region, id);
        }
    }

    /** The server asked for its address and its metadata when it started. */
    private static void realTraffic(Region region, String id) {
        JsonNode drops = json(region, "drops", id).get(0);
        assertThat(drops.at("/ports/0/port").asString()).isEqualTo(id);
        assertThat(drops.at("/ports/0/receivedPackets").asLong()).isPositive();
        String node = drops.at("/node").asString();
        assertThat(json(region, "drops", node).get(0).at("/drops").size()).isPositive();
        JsonNode flows = json(region, "flows", node).get(0);
        assertThat(flows.at("/handled/FLOW_MISSES").asLong()).isPositive();
        assertThat(flows.at("/handled/UNCACHED_CRAFTED").asLong())
                .as("DHCP is answered in the slow path")
                .isPositive();
        JsonNode port = json(region, "flows", id).get(0).at("/ports");
        assertThat(port.size()).isEqualTo(1);
        assertThat(port.at("/0/port").asString()).isEqualTo(id);
        assertThat(port.at("/0/handled/UNCACHED_CRAFTED").asLong())
                .as("so are the port's own")
                .isPositive();
        JsonNode connections = json(region, "connections", node).get(0);
        assertThat(connections.at("/connections").size())
                .isLessThanOrEqualTo(connections.at("/total").asInt());
        assertThat(region.iod("flows", "--help")).contains("NODE|PORT");
        assertThat(region.iod("--help")).contains("trace PORT 'PACKET'");
    }

    private static JsonNode json(Region region, String command, String... words) {
        String[] all = new String[words.length + 2];
        all[0] = command;
        System.arraycopy(words, 0, all, 1, words.length);
        all[words.length + 1] = "--json";
        return Region.JSON.readTree(region.iod(all));
    }

    private static List<String> texts(JsonNode trace, String field) {
        return StreamSupport.stream(trace.at("/steps").spliterator(), false)
                .map(step -> step.path(field).asString())
                .toList();
    }
}
