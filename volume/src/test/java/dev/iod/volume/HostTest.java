package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What administrators see of hosts, and everybody of extensions. */
class HostTest {
    private Region region;
    private HttpCaller owner;
    private HttpCaller admin;

    @BeforeEach
    void start() {
        region = new Region();
        owner = region.volume("p");
        admin = region.volume("p0:admin");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    @Test
    void aHostHasWhatProjectsHaveThere() {
        FakePool node = region.node("n1", 20);
        for (int gib = 1; gib <= 3; gib++) {
            owner.post("/volumes", "{'volume': {'size': %d}}".formatted(gib));
        }
        admin.post("/volumes", "{'volume': {'size': 5}}");
        node.sync();
        String volume =
                owner.get("/volumes?sort=created_at:desc").json().at("/volumes/0/id").stringValue();
        assertThat(
                        owner.post(
                                        "/snapshots",
                                        "{'snapshot': {'volume_id': '%s'}}".formatted(volume))
                                .status())
                .isEqualTo(202);

        assertThat(owner.get("/os-hosts").status()).isEqualTo(403);
        JsonNode hosts = admin.get("/os-hosts").json().path("hosts");
        assertThat(hosts).hasSize(1);
        assertThat(hosts.at("/0/host_name").stringValue()).isEqualTo("n1@local");
        assertThat(hosts.at("/0/service-status").stringValue()).isEqualTo("available");
        assertThat(admin.get("/os-hosts?zone=other").json().path("hosts")).isEmpty();

        JsonNode host = admin.get("/os-hosts/n1@local").json().path("host");
        assertThat(host.at("/0/resource").toString())
                .isEqualTo(
                        "{\"host\":\"n1@local\",\"project\":\"(total)\",\"volume_count\":\"4\","
                                + "\"total_volume_gb\":\"11\",\"snapshot_count\":\"1\","
                                + "\"total_snapshot_gb\":\"3\"}");
        assertThat(host).hasSize(3);
        assertThat(host.at("/1/resource/project").stringValue()).isEqualTo("p");
        assertThat(host.at("/1/resource/total_volume_gb").stringValue()).isEqualTo("6");
        assertThat(host.at("/2/resource/total_volume_gb").stringValue()).isEqualTo("5");
        assertThat(admin.get("/os-hosts/n2").status()).isEqualTo(404);
        assertThat(owner.get("/os-hosts/n1").status()).isEqualTo(403);
    }

    @Test
    void extensionsThatAreServed() {
        JsonNode extensions = owner.get("/extensions").json().path("extensions");
        assertThat(extensions.valueStream().map(one -> one.path("alias").stringValue()))
                .contains("os-hosts", "os-services", "os-quota-sets")
                .doesNotContain("backups", "consistencygroups", "os-vol-mig-status-attr")
                .doesNotHaveDuplicates();
        assertThat(owner.get("/extensions/os-hosts").json().at("/extension/name").stringValue())
                .isEqualTo("Hosts");
        assertThat(owner.get("/extensions/backups").status()).isEqualTo(404);
    }
}
