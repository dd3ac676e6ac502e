package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Servers and nodes that come back, fall silent and are removed. */
class NodesTest {
    private Region region;
    private HttpCaller admin;
    private HttpCaller nodes;

    @BeforeEach
    void start() {
        region = new Region();
        admin = region.compute("p0:admin");
        nodes = new HttpCaller(region.base() + "/iod/v1", "p0:admin");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String create(String more) {
        Answer answer =
                admin.post(
                        "/servers",
                        "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '1'%s}}"
                                .formatted(Region.IMAGE, more));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().at("/server/id").stringValue();
    }

    private JsonNode server(String id) {
        return admin.get("/servers/" + id).json().path("server");
    }

    private String task(String id) {
        return server(id).path("OS-EXT-STS:task_state").asString("");
    }

    @Test
    void whatCannotBePlacedWaitsUntilNodesHaveHadTheTimeToComeBack() {
        region.console.settled = false;
        String network = region.network("p0:admin", "10.8.0.0/24");
        FakeNode node = region.node("n1", 4, 1024);
        node.heard(false);
        String id = create(", 'networks': [{'uuid': '%s'}]".formatted(network));
        assertThat(server(id).path("status").stringValue()).isEqualTo("BUILD");
        assertThat(task(id)).isEqualTo("scheduling");
        assertThat(server(id).path("OS-EXT-SRV-ATTR:host").isNull()).isTrue();
        String deleted = create("");
        assertThat(admin.delete("/servers/" + deleted).status()).isEqualTo(204);
        assertThat(admin.get("/servers/" + deleted).status()).isEqualTo(404);
        node.heard(true);
        assertThat(task(id)).isEqualTo("spawning");
        assertThat(server(id).path("OS-EXT-SRV-ATTR:host").stringValue()).isEqualTo("n1");
        node.sync();
        assertThat(server(id).path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(server(id).at("/addresses/net/0/addr").stringValue()).startsWith("10.8.0.");
    }

    @Test
    void thoseThatWaitAreInErrorWhenTheTimeIsOver() {
        region.console.settled = false;
        String network = region.network("p0:admin", "10.8.0.0/24");
        FakeNode node = region.node("n1", 4, 8192);
        node.heard(false);
        String id = create(", 'networks': [{'uuid': '%s'}], 'min_count': 2".formatted(network));
        // Anybody's coming is a reason to look, but not yet to give up.
        region.placeWaiting();
        assertThat(task(id)).isEqualTo("scheduling");
        region.console.settled = true;
        region.placeWaiting();
        for (JsonNode one : admin.get("/servers/detail").json().path("servers")) {
            assertThat(one.path("status").stringValue()).isEqualTo("ERROR");
            assertThat(one.at("/fault/message").stringValue())
                    .isEqualTo(
                            "No valid host was found. There are not enough hosts available."
                                    + " (of 1: 1 down)");
        }
        assertThat(
                        region.network("p0:admin")
                                .get("/ports?device_owner=compute:nova")
                                .json()
                                .path("ports")
                                .size())
                .isZero();
        String late = create("");
        assertThat(server(late).path("status").stringValue()).isEqualTo("ERROR");
    }

    @Test
    void whatNoNodeCouldTakeDoesNotWait() {
        region.console.settled = false;
        region.node("n1", 4, 256);
        String id = create("");
        assertThat(server(id).path("status").stringValue()).isEqualTo("ERROR");
    }

    @Test
    void aNodeWithServersCannotBeRemoved() {
        FakeNode node = region.node("n1", 4, 8192);
        List<String> ids = List.of(create(""), create(""));
        Answer refused = nodes.delete("/nodes/n1");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).contains("has 2 servers", "Delete them").contains(ids);
        ids.forEach(id -> admin.delete("/servers/" + id));
        assertThat(nodes.delete("/nodes/n1").status()).as("it has to say so").isEqualTo(409);
        node.sync();
        assertThat(nodes.delete("/nodes/n1").status()).isEqualTo(204);
        assertThat(nodes.get("/nodes/n1").status()).isEqualTo(404);
        assertThat(admin.get("/os-hypervisors").json().path("hypervisors").size()).isZero();
        assertThat(nodes.delete("/nodes/n1").status()).isEqualTo(404);
    }

    /** A node that never comes back takes with it what only waits for it. */
    @Test
    void whatIsBeingDeletedGoesWithANodeThatIsDown() {
        FakeNode node = region.node("n1", 4, 8192);
        String kept = create("");
        String going = create("");
        node.heard(false);
        admin.delete("/servers/" + going);
        Answer refused = nodes.delete("/nodes/n1");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).contains("has 1 servers or volumes: " + kept);
        admin.delete("/servers/" + kept);
        assertThat(nodes.delete("/nodes/n1").status()).isEqualTo(204);
        assertThat(admin.get("/servers").json().path("servers").size()).isZero();
    }

    /** Each of these is in what nodes are told of a server. */
    @Test
    void changesOfTheNetworkReachTheNodesOfItsServers() {
        FakeNode node = region.node("n1", 4, 8192);
        String network = region.network("p0:admin", "10.8.0.0/24");
        HttpCaller neutron = region.network("p0:admin");
        String group =
                neutron.post("/security-groups", "{'security_group': {'name': 'web'}}")
                        .json()
                        .at("/security_group/id")
                        .stringValue();
        create(
                ", 'networks': [{'uuid': '%s'}], 'security_groups': [{'name': 'web'}]"
                        .formatted(network));
        String subnet =
                "/subnets/" + neutron.get("/subnets").json().at("/subnets/0/id").stringValue();
        for (List<String> change :
                List.of(
                        List.of(subnet, "{'subnet': {'dns_nameservers': ['192.0.2.53']}}"),
                        List.of(
                                subnet,
                                "{'subnet': {'host_routes': [{'destination': '10.1.0.0/16',"
                                        + " 'nexthop': '10.8.0.9'}]}}"),
                        List.of(subnet, "{'subnet': {'gateway_ip': null}}"),
                        List.of(subnet, "{'subnet': {'enable_dhcp': false}}"),
                        List.of("/networks/" + network, "{'network': {'mtu': 1300}}"),
                        List.of(
                                "/security-groups/" + group,
                                "{'security_group': {'name': 'x'}}"))) {
            long before = node.goal().getRevision();
            Answer answer = neutron.put(change.getFirst(), change.getLast());
            assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            assertThat(node.goal().getRevision()).as(change.getLast()).isGreaterThan(before);
        }
        long settled = node.goal().getRevision();
        neutron.put(subnet, "{'subnet': {'name': 'nobody is told this'}}");
        assertThat(node.goal().getRevision()).isEqualTo(settled);
        var told = node.goal().getServers(0).getNics(0);
        assertThat(told.getMtu()).isEqualTo(1300);
        assertThat(told.getAddresses(0).getDnsServersList()).containsExactly("192.0.2.53");
    }
}
