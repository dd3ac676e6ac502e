package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Nic;
import dev.iod.node.Server;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Ports, addresses and security groups of servers, which change while these run. */
class InterfaceTest {
    private static final String NOTHING = "00000000-0000-4000-8000-000000000000";

    private Region region;
    private HttpCaller compute;
    private HttpCaller network;
    private FakeNode node;
    private String net;
    private String id;

    @BeforeEach
    void start() {
        region = new Region();
        compute = region.compute("p");
        network = region.network("p");
        node = region.node("n1", 8, 8192);
        net = region.network("p", "10.1.0.0/24");
        id =
                compute.post(
                                "/servers",
                                "{'server': {'name': 's', 'imageRef': '%s', 'flavorRef': '42', 'networks': [{'uuid': '%s'}]}}"
                                        .formatted(Region.IMAGE, net))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String path() {
        return "/servers/" + id + "/os-interface";
    }

    private Answer attach(String body) {
        return compute.post(path(), "{'interfaceAttachment': {%s}}".formatted(body));
    }

    private Answer act(String body, int minor) {
        return compute.post("/servers/" + id + "/action", body, Region.version(minor));
    }

    private Server told() {
        return node.goal().getServers(0);
    }

    private List<String> nics() {
        return told().getNicsList().stream().map(Nic::getPortId).toList();
    }

    private String result() {
        String path = "/servers/" + id + "/os-instance-actions";
        String request = compute.get(path).json().at("/instanceActions/0/request_id").stringValue();
        return compute.get(path + "/" + request, Region.version(51))
                .json()
                .at("/instanceAction/events/0/result")
                .asString("");
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    @Test
    void aRunningServerGetsAPortAndGivesItBack() {
        String first = nics().getFirst();
        Answer answer =
                attach("'net_id': '%s', 'fixed_ips': [{'ip_address': '10.1.0.77'}]".formatted(net));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        JsonNode made = answer.json().path("interfaceAttachment");
        String port = made.path("port_id").stringValue();
        assertThat(made.at("/fixed_ips/0/ip_address").stringValue()).isEqualTo("10.1.0.77");
        assertThat(nics()).containsExactly(first, port);
        assertThat(result()).isEmpty();
        JsonNode bound = region.network("p0:admin").get("/ports/" + port).json().path("port");
        assertThat(bound.path("binding:host_id").stringValue()).isEqualTo("n1");
        assertThat(bound.path("device_id").stringValue()).isEqualTo(id);
        assertThat(bound.path("project_id").stringValue()).isEqualTo("p");
        node.sync();
        assertThat(result()).isEqualTo("Success");
        assertThat(compute.get(path()).json().path("interfaceAttachments").size()).isEqualTo(2);
        refused(
                attach("'net_id': '%s', 'fixed_ips': [{'ip_address': '10.1.0.77'}]".formatted(net)),
                409,
                "Fixed IP address 10.1.0.77 is already in use on instance.");
        node.deaf(id, "the guest sleeps");
        assertThat(compute.delete(path() + "/" + port).status()).isEqualTo(202);
        assertThat(network.get("/ports/" + port).status()).isEqualTo(404);
        node.sync();
        assertThat(result()).as("its guest has it still").isEmpty();
        node.deaf(id, "");
        node.sync();
        assertThat(result()).isEqualTo("Success");
        assertThat(nics()).containsExactly(first);
        refused(
                compute.delete(path() + "/" + port),
                404,
                "Port id %s could not be found.".formatted(port));
    }

    @Test
    void aPortOfItsOwnersStays() {
        String port =
                network.post("/ports", "{'port': {'network_id': '%s'}}".formatted(net))
                        .json()
                        .at("/port/id")
                        .stringValue();
        assertThat(attach("'port_id': '%s'".formatted(port)).status()).isEqualTo(200);
        node.sync();
        refused(
                attach("'port_id': '%s'".formatted(port)),
                409,
                "Port %s is still in use.".formatted(port));
        compute.post("/servers/" + id + "/action", "{'os-stop': null}");
        node.sync();
        assertThat(compute.delete(path() + "/" + port).status()).isEqualTo(202);
        node.sync();
        assertThat(result()).isEqualTo("Success");
        JsonNode free = region.network("p0:admin").get("/ports/" + port).json().path("port");
        assertThat(free.path("device_id").stringValue()).isEmpty();
        assertThat(free.path("binding:host_id").stringValue()).isEmpty();
    }

    @Test
    void withoutANetworkTheOnlyOneIsTaken() {
        assertThat(compute.post(path(), "{}").status()).isEqualTo(200);
        assertThat(nics()).hasSize(2);
        region.network("p", "10.2.0.0/24");
        refused(
                attach(""),
                400,
                "More than one possible network found. Specify network ID(s) to select which one(s)"
                        + " to connect to.");
    }

    @Test
    void whatCannotBeAttachedIsRefused() {
        refused(
                attach("'net_id': '%s'".formatted(NOTHING)),
                404,
                "Network %s could not be found.".formatted(NOTHING));
        refused(
                attach("'port_id': '%s'".formatted(NOTHING)),
                404,
                "Port id %s could not be found.".formatted(NOTHING));
        refused(
                attach("'net_id': '%s', 'port_id': '%s'".formatted(net, NOTHING)),
                400,
                "Must not input both network_id and port_id");
        refused(
                attach("'fixed_ips': [{'ip_address': '10.1.0.9'}]"),
                400,
                "Must input network_id when request IP address");
        refused(
                attach("'net_id': '%s', 'fixed_ips': [{'ip_address': '10.9.0.9'}]".formatted(net)),
                400,
                "Fixed IP 10.9.0.9 is not a valid ip address for network %s.".formatted(net));
        String foreign = region.network("q", "10.3.0.0/24");
        refused(
                attach("'net_id': '%s'".formatted(foreign)),
                404,
                "Network %s could not be found.".formatted(foreign));
        for (int i = 1; i < 8; i++) {
            assertThat(attach("'net_id': '%s'".formatted(net)).status()).isEqualTo(200);
        }
        refused(attach("'net_id': '%s'".formatted(net)), 400, "A server can have at most 8 ports.");
        act("{'lock': null}", 1);
        refused(
                attach("'net_id': '%s'".formatted(net)),
                409,
                "Instance %s is locked".formatted(id));
        act("{'unlock': null}", 1);
        act("{'pause': null}", 1);
        refused(
                attach("'net_id': '%s'".formatted(net)),
                409,
                "Cannot 'attach_interface' instance %s while it is in task_state pausing"
                        .formatted(id));
    }

    @Test
    void addressesComeAndGo() {
        assertThat(act("{'addFixedIp': {'networkId': '%s'}}".formatted(net), 43).status())
                .isEqualTo(202);
        Nic nic = told().getNics(0);
        assertThat(nic.getAddressesCount()).isEqualTo(2);
        String second = nic.getAddresses(1).getAddress();
        assertThat(act("{'removeFixedIp': {'address': '%s'}}".formatted(second), 43).status())
                .isEqualTo(202);
        assertThat(told().getNics(0).getAddressesList()).containsExactly(nic.getAddresses(0));
        refused(
                act("{'removeFixedIp': {'address': '10.1.0.200'}}", 43),
                400,
                "Instance %s does not have fixed IP '10.1.0.200'.".formatted(id));
        refused(
                act("{'addFixedIp': {'networkId': '%s'}}".formatted(NOTHING), 43),
                404,
                "Network could not be found for instance %s.".formatted(id));
        refused(
                act("{'addFixedIp': {'networkId': '%s'}}".formatted(net), 44),
                400,
                "There is no such action: addFixedIp");
    }

    @Test
    void securityGroupsOfAServer() {
        JsonNode group =
                network.post("/security-groups", "{'security_group': {'name': 'web'}}")
                        .json()
                        .path("security_group");
        String web = group.path("id").stringValue();
        network.post(
                "/security-group-rules",
                "{'security_group_rule': {'security_group_id': '%s', 'direction': 'ingress', 'protocol': 'tcp', 'port_range_min': 80, 'port_range_max': 81}}"
                        .formatted(web));
        assertThat(act("{'addSecurityGroup': {'name': 'web'}}", 1).status()).isEqualTo(202);
        assertThat(act("{'addSecurityGroup': {'name': '%s'}}".formatted(web), 1).status())
                .isEqualTo(202);
        assertThat(told().getMetadata().getSecurityGroupsList())
                .containsExactlyInAnyOrder("default", "web");
        JsonNode shown =
                compute.get("/servers/" + id + "/os-security-groups")
                        .json()
                        .path("security_groups");
        assertThat(shown.valueStream().map(g -> g.path("name").stringValue()))
                .containsExactly("default", "web");
        JsonNode rule = shown.path(1).path("rules").path(0);
        assertThat(shown.path(1).path("rules").size()).as("only what comes in").isEqualTo(1);
        assertThat(rule.path("ip_protocol").stringValue()).isEqualTo("tcp");
        assertThat(rule.path("from_port").intValue()).isEqualTo(80);
        assertThat(rule.path("to_port").intValue()).isEqualTo(81);
        assertThat(rule.at("/ip_range/cidr").stringValue()).isEqualTo("0.0.0.0/0");
        assertThat(shown.at("/0/rules/0/group/name").stringValue()).isEqualTo("default");
        assertThat(act("{'removeSecurityGroup': {'name': 'web'}}", 1).status()).isEqualTo(202);
        assertThat(told().getMetadata().getSecurityGroupsList()).containsExactly("default");
        refused(
                act("{'removeSecurityGroup': {'name': 'web'}}", 1),
                404,
                "Security group web not associated with the instance " + id);
        refused(
                act("{'addSecurityGroup': {'name': 'nope'}}", 1),
                404,
                "Security group nope is not found for project p");
        network.post("/security-groups", "{'security_group': {'name': 'web'}}");
        assertThat(act("{'addSecurityGroup': {'name': 'web'}}", 1).status()).isEqualTo(409);
        assertThat(act("{'addSecurityGroup': {}}", 1).status()).isEqualTo(400);
    }
}
