package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.rest.testing.OpenStackClient;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** Networks as users of the real client see them; one client process for all commands. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetworkClientTest {
    private TestRegion region;
    private OpenStackClient tenant;

    @BeforeAll
    void start() {
        region =
                new TestRegion(
                        database ->
                                List.of(
                                        NetworkApi.service(
                                                database, 1442, (transaction, id) -> {})));
        region.member("tenant");
        tenant = new OpenStackClient(region.url(), "tenant", "pw-tenant", "tenant");
    }

    @AfterAll
    void stop() {
        tenant.close();
        region.close();
    }

    @Test
    void networksSubnetsPortsAndRouters() {
        assertThat(tenant.json("network create n1").path("mtu").intValue()).isEqualTo(1442);
        JsonNode subnet =
                tenant.json(
                        "subnet create --network n1 --subnet-range 10.0.0.0/24"
                                + " --dns-nameserver 9.9.9.9"
                                + " --host-route destination=10.9.0.0/16,gateway=10.0.0.9 s1");
        assertThat(subnet.path("gateway_ip").stringValue()).isEqualTo("10.0.0.1");
        assertThat(subnet.at("/host_routes/0/nexthop").stringValue()).isEqualTo("10.0.0.9");
        tenant.run("subnet set --dns-nameserver 1.1.1.1 --name s1x s1");
        assertThat(tenant.json("subnet show s1x").path("dns_nameservers")).hasSize(2);
        JsonNode port = tenant.json("port create --network n1 --fixed-ip ip-address=10.0.0.50 p1");
        assertThat(port.path("status").stringValue()).isEqualTo("DOWN");
        assertThat(port.at("/fixed_ips/0/ip_address").stringValue()).isEqualTo("10.0.0.50");
        tenant.run("port set --allowed-address ip-address=10.0.0.99 --name p1x p1");
        assertThat(tenant.json("port show p1x").path("allowed_address_pairs")).hasSize(1);
        assertThat(tenant.json("port list --fixed-ip ip-address=10.0.0.50")).hasSize(1);
        assertThat(tenant.json("port list --network n1 --device-owner network:distributed"))
                .hasSize(1);
        tenant.json("router create r1");
        tenant.run("router add subnet r1 s1x");
        assertThat(tenant.json("router show r1").path("interfaces_info")).hasSize(1);
        assertThat(tenant.json("port list --router r1")).hasSize(1);
        assertThat(names("network list")).contains("n1");
        assertThat(names("subnet list")).contains("s1x");
        assertThat(names("router list")).contains("r1");
        assertThat(tenant.run("router delete r1")).contains("409").contains("still has ports");
        assertThat(tenant.run("network delete n1")).contains("409");
        tenant.run("router remove subnet r1 s1x");
        tenant.run("router delete r1");
        tenant.run("port delete p1x");
        tenant.run("subnet delete s1x");
        tenant.run("network delete n1");
        assertThat(names("network list")).doesNotContain("n1");
        assertThat(tenant.run("network show n1")).contains("No Network found for n1");
        assertThat(names("router list")).doesNotContain("r1");
        assertThat(names("port list")).doesNotContain("p1x");
    }

    @Test
    void securityGroups() {
        JsonNode group = tenant.json("security group create g1");
        assertThat(group.path("rules")).hasSize(2);
        JsonNode rule =
                tenant.json("security group rule create --protocol tcp --dst-port 22:23 g1");
        assertThat(rule.path("port_range_max").intValue()).isEqualTo(23);
        tenant.json("security group rule create --protocol icmp --icmp-type 8 g1");
        tenant.json("security group rule create --remote-group g1 --ethertype IPv6 g1");
        assertThat(tenant.json("security group rule list g1")).hasSize(5);
        assertThat(tenant.json("security group show g1").path("rules")).hasSize(5);
        assertThat(tenant.run("security group rule create --protocol tcp --dst-port 22:23 g1"))
                .contains("409", "already exists");
        tenant.run("security group rule delete " + rule.path("id").stringValue());
        assertThat(tenant.json("security group rule list g1")).hasSize(4);
        tenant.run("security group set --name g1x g1");
        assertThat(names("security group list")).contains("default", "g1x");
        tenant.run("security group delete g1x");
        assertThat(names("security group list")).doesNotContain("g1x");
        assertThat(tenant.run("security group delete default")).contains("409");
    }

    @Test
    void commonMistakes() {
        tenant.json("network create n2");
        tenant.json("subnet create --network n2 --subnet-range 10.0.0.0/24 s2");
        tenant.json("router create r2");
        assertThat(tenant.run("subnet create --network n2 --subnet-range 10.0.0.0/25 x"))
                .contains("400", "overlaps with another subnet");
        assertThat(tenant.run("subnet create --network n2 --subnet-range nonsense x"))
                .contains("400", "'nonsense' is not a valid IP subnet");
        assertThat(
                        tenant.run(
                                "subnet create --network n2 --ip-version 6 --subnet-range fd00::/64 x"))
                .contains("400", "only ip_version 4");
        assertThat(tenant.run("network create --mtu 9000 x")).contains("400", "out of range");
        assertThat(tenant.run("network create --external x")).contains("400", "router:external");
        assertThat(tenant.run("network create --share x")).contains("400", "shared");
        assertThat(tenant.run("network create --provider-network-type vlan x")).contains("403");
        assertThat(tenant.run("router set --external-gateway n2 r2"))
                .contains("400", "is not an external network");
        assertThat(tenant.run("port create --network n2 --fixed-ip ip-address=10.7.0.1 x"))
                .contains("400", "not a valid IP for any of the subnets");
        assertThat(tenant.run("port create --network nowhere x"))
                .contains("No Network found for nowhere");
        assertThat(tenant.run("port create --network n2 --host elsewhere x")).contains("403");
        assertThat(tenant.run("floating ip list").strip()).isEmpty();
        assertThat(tenant.run("network agent list").strip()).isEmpty();
        assertThat(tenant.run("subnet pool list").strip()).isEmpty();
        assertThat(tenant.json("extension list --network")).isNotEmpty();
        try (OpenStackClient admin =
                new OpenStackClient(region.url(), "admin", TestRegion.ADMIN_PASSWORD, "admin")) {
            assertThat(admin.json("network show n2").path("provider:network_type").stringValue())
                    .isEqualTo("geneve");
            JsonNode bound = admin.json("port create --network n2 --host node-1 p2");
            assertThat(bound.path("binding_host_id").stringValue()).isEqualTo("node-1");
        }
    }

    private List<String> names(String command) {
        return tenant.json(command).values().stream()
                .map(row -> row.path("Name").stringValue())
                .toList();
    }
}
