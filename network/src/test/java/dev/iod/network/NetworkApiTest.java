package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.testing.NetworkRegion;
import dev.iod.region.Actor;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import dev.iod.store.Database;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** The API over HTTP on a real PostgreSQL; each test is a project of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetworkApiTest {
    private NetworkRegion region;
    private Database database;

    @BeforeAll
    void start() {
        region = new NetworkRegion();
        database = region.database();
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void aNetworkHasNeutronsShapeAndItsMetadataPort() {
        HttpCaller member = as("shape");
        JsonNode network = created(member.post("/networks", "{'network':{'name':'a'}}"), "network");
        assertThat(network.propertyNames())
                .contains("id", "subnets", "mtu", "shared", "router:external", "revision_number")
                .doesNotContain("provider:network_type");
        assertThat(network.path("mtu").intValue()).isEqualTo(1442);
        String id = network.path("id").asString();
        assertThat(
                        as("shape:admin")
                                .get("/networks/" + id)
                                .json()
                                .at("/network/provider:network_type"))
                .hasToString("\"geneve\"");
        JsonNode subnet = subnet(member, id, "10.0.0.0/24");
        assertThat(subnet.path("gateway_ip").asString()).isEqualTo("10.0.0.1");
        assertThat(subnet.path("allocation_pools").toString())
                .isEqualTo("[{\"start\":\"10.0.0.2\",\"end\":\"10.0.0.254\"}]");
        JsonNode ports = member.get("/ports?network_id=" + id).json().path("ports");
        assertThat(ports).hasSize(1);
        assertThat(ports.at("/0/device_owner").asString()).isEqualTo("network:distributed");
        assertThat(ports.at("/0/device_id").asString()).isEqualTo("ovnmeta-" + id);
        assertThat(ports.at("/0/fixed_ips/0/ip_address").asString()).isEqualTo("10.0.0.2");
        Answer refused = member.delete("/ports/" + ports.at("/0/id").asString());
        assertError(refused, 409, "ServicePortInUse");
        assertThat(member.delete("/networks/" + id).status()).isEqualTo(204);
        assertError(member.get("/networks/" + id), 404, "NetworkNotFound");
        assertThat(member.get("/subnets").json().path("subnets")).isEmpty();
        assertThat(member.get("/ports").json().path("ports")).isEmpty();
    }

    @Test
    void portsGetTheLowestFreeAddressAndTheDefaultGroup() {
        HttpCaller member = as("lowest");
        String network = network(member);
        String subnet = subnet(member, network, "10.0.0.0/29").path("id").asString();
        JsonNode first = port(member, network);
        JsonNode second = port(member, network);
        assertThat(first.at("/fixed_ips/0/ip_address").asString()).isEqualTo("10.0.0.3");
        assertThat(second.at("/fixed_ips/0/ip_address").asString()).isEqualTo("10.0.0.4");
        assertThat(first.path("mac_address").asString()).startsWith("fa:16:3e:");
        JsonNode groups = member.get("/security-groups?name=default").json();
        assertThat(first.path("security_groups").get(0))
                .isEqualTo(groups.at("/security_groups/0/id"));
        assertThat(member.delete("/ports/" + first.path("id").asString()).status()).isEqualTo(204);
        assertThat(port(member, network).at("/fixed_ips/0/ip_address").asString())
                .isEqualTo("10.0.0.3");
        port(member, network);
        port(member, network);
        Answer full = member.post("/ports", "{'port':{'network_id':'" + network + "'}}");
        assertError(full, 409, "IpAddressGenerationFailure");
        assertError(member.delete("/subnets/" + subnet), 409, "SubnetInUse");
        assertError(member.delete("/networks/" + network), 409, "NetworkInUse");
        Answer filtered =
                member.get("/ports?fixed_ips=ip_address%3D10.0.0.4&fields=id&fields=name");
        assertThat(filtered.json().toString())
                .isEqualTo(
                        "{\"ports\":[{\"id\":\"%s\",\"name\":\"\"}]}"
                                .formatted(second.path("id").asString()));
    }

    @Test
    void concurrentPortsGetDifferentAddresses() throws Exception {
        HttpCaller member = as("race");
        String network = network(member);
        subnet(member, network, "10.0.0.0/24");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Answer>>();
            for (int i = 0; i < 16; i++) {
                answers.add(
                        threads.submit(
                                () ->
                                        member.post(
                                                "/ports",
                                                "{'port':{'network_id':'" + network + "'}}")));
            }
            var addresses = new HashSet<String>();
            for (Future<Answer> answer : answers) {
                JsonNode port = created(answer.get(), "port");
                addresses.add(port.at("/fixed_ips/0/ip_address").asString());
            }
            assertThat(addresses).hasSize(16);
        }
        assertThat(member.get("/security-groups").json().path("security_groups")).hasSize(1);
    }

    @Test
    void othersResourcesDoNotExist() {
        HttpCaller owner = as("owner");
        HttpCaller other = as("other");
        String network = network(owner);
        String subnet = subnet(owner, network, "10.0.0.0/24").path("id").asString();
        String port = port(owner, network).path("id").asString();
        JsonNode router = created(owner.post("/routers", "{'router':{'name':'r'}}"), "router");
        String group = owner.get("/security-groups").json().at("/security_groups/0/id").asString();
        assertError(other.get("/networks/" + network), 404, "NetworkNotFound");
        assertError(other.delete("/networks/" + network), 404, "NetworkNotFound");
        assertError(other.get("/subnets/" + subnet), 404, "SubnetNotFound");
        assertError(other.get("/ports/" + port), 404, "PortNotFound");
        assertError(other.get("/routers/" + router.path("id").asString()), 404, "RouterNotFound");
        assertError(other.get("/security-groups/" + group), 404, "SecurityGroupNotFound");
        assertError(
                other.post("/ports", "{'port':{'network_id':'" + network + "'}}"),
                404,
                "NetworkNotFound");
        assertThat(other.get("/networks").json().path("networks")).isEmpty();
        assertThat(other.get("/ports").json().path("ports")).isEmpty();
        assertThat(as("other:admin").get("/networks/" + network).status()).isEqualTo(200);
        assertError(
                other.post("/networks", "{'network':{'tenant_id':'owner'}}"),
                400,
                "HTTPBadRequest");
    }

    @Test
    void mistakesAreNamed() {
        HttpCaller member = as("mistakes");
        String network = network(member);
        assertError(member.get("/networks/demo"), 404, "NetworkNotFound");
        assertError(member.post("/networks", "{'net':{}}"), 400, "HTTPBadRequest");
        assertError(member.post("/networks", "{'network':{'x':1}}"), 400, "HTTPBadRequest");
        assertError(member.post("/networks", "{'network':{'mtu':9000}}"), 400, "InvalidInput");
        assertError(member.post("/networks", "{'network':{'shared':true}}"), 400, "InvalidInput");
        assertError(member.post("/subnets", subnetBody(network, "x")), 400, "HTTPBadRequest");
        subnet(member, network, "10.0.0.0/24");
        assertError(
                member.post("/subnets", subnetBody(network, "10.0.0.128/25")), 400, "InvalidInput");
        assertError(
                member.post(
                        "/subnets",
                        "{'subnet':{'network_id':'%s','ip_version':6,'cidr':'fd00::/64'}}"
                                .formatted(network)),
                400,
                "InvalidInput");
        assertError(
                member.post(
                        "/subnets",
                        ("{'subnet':{'network_id':'%s','ip_version':4,'cidr':'10.1.0.0/24',"
                                        + "'allocation_pools':[{'start':'10.1.0.1','end':'10.1.0.9'}]}}")
                                .formatted(network)),
                409,
                "GatewayConflictWithAllocationPools");
        assertError(portWithIp(member, network, "10.9.0.1"), 400, "InvalidIpForNetwork");
        assertThat(portWithIp(member, network, "10.0.0.77").status()).isEqualTo(201);
        assertError(portWithIp(member, network, "10.0.0.77"), 409, "IpAddressAlreadyAllocated");
        assertError(member.get("/networks?colour=red"), 400, "HTTPBadRequest");
        assertError(member.get("/networks?sort_dir=up"), 400, "HTTPBadRequest");
        for (String no : List.of("false", "0", "'0'", "'no'", "'OFF'", "'f'")) {
            JsonNode made =
                    created(
                            member.post("/networks", "{'network':{'admin_state_up':" + no + "}}"),
                            "network");
            assertThat(made.path("admin_state_up").booleanValue()).as(no).isFalse();
            assertThat(member.delete("/networks/" + made.path("id").asString()).status())
                    .isEqualTo(204);
        }
        assertError(
                member.post("/networks", "{'network':{'admin_state_up':2}}"),
                400,
                "HTTPBadRequest");
        assertError(
                member.post("/routers", "{'router':{'external_gateway_info':{'network_id':'x'}}}"),
                400,
                "HTTPBadRequest");
    }

    @Test
    void routersJoinSubnetsThatDoNotOverlap() {
        HttpCaller member = as("routers");
        String one = network(member);
        String two = network(member);
        String first = subnet(member, one, "10.0.0.0/24").path("id").asString();
        String second = subnet(member, two, "10.0.1.0/24").path("id").asString();
        String clash = subnet(member, network(member), "10.0.0.0/16").path("id").asString();
        String router =
                created(member.post("/routers", "{'router':{'name':'r'}}"), "router")
                        .path("id")
                        .asString();
        String add = "/routers/" + router + "/add_router_interface";
        String remove = "/routers/" + router + "/remove_router_interface";
        assertError(
                member.put(remove, "{'subnet_id':'" + first + "'}"),
                404,
                "RouterInterfaceNotFoundForSubnet");
        assertError(
                member.put(remove, "{'port_id':'" + UUID.randomUUID() + "'}"),
                404,
                "RouterInterfaceNotFound");
        Answer added = member.put(add, "{'subnet_id':'" + first + "'}");
        assertThat(added.status()).isEqualTo(200);
        assertThat(added.json().path("subnet_ids")).hasSize(1);
        String port = added.json().path("port_id").asString();
        JsonNode shown = member.get("/ports/" + port).json().path("port");
        assertThat(shown.at("/fixed_ips/0/ip_address").asString()).isEqualTo("10.0.0.1");
        assertThat(shown.path("device_owner").asString()).isEqualTo("network:router_interface");
        assertError(member.put(add, "{'subnet_id':'" + first + "'}"), 400, "BadRequest");
        assertError(member.put(add, "{'subnet_id':'" + clash + "'}"), 400, "BadRequest");
        assertError(member.put(add, "{}"), 400, "BadRequest");
        String own = portWithIp(member, two, "10.0.1.9").json().at("/port/id").asString();
        assertThat(member.put(add, "{'port_id':'" + own + "'}").status()).isEqualTo(200);
        assertError(member.put(add, "{'port_id':'" + own + "'}"), 409, "PortInUse");
        assertError(member.delete("/routers/" + router), 409, "RouterInUse");
        assertError(member.delete("/ports/" + port), 409, "ServicePortInUse");
        assertError(
                member.put(remove, "{'subnet_id':'" + clash + "'}"),
                404,
                "RouterInterfaceNotFoundForSubnet");
        assertThat(member.put(remove, "{'subnet_id':'" + second + "'}").status()).isEqualTo(200);
        assertThat(member.put(remove, "{'port_id':'" + port + "'}").status()).isEqualTo(200);
        assertThat(member.delete("/routers/" + router).status()).isEqualTo(204);
    }

    @Test
    void aServersPortsAreThoseTheComputeServiceGaveIt() {
        HttpCaller member = as("victim");
        String network = network(member);
        subnet(member, network, "10.0.0.0/24");
        String own = port(member, network).path("id").asString();
        UUID server = UUID.randomUUID();
        ServerPorts ports = ServerPorts.sql();
        List<ServerPorts.Wish> wishes =
                List.of(
                        new ServerPorts.Wish.OnNetwork(network, Optional.of("10.0.0.20")),
                        new ServerPorts.Wish.Existing(own));
        List<ServerPorts.ServerPort> made =
                database.transaction(
                        handle ->
                                ports.create(
                                        handle,
                                        new Actor(
                                                "req-test",
                                                "u",
                                                Optional.of("victim"),
                                                Set.of("member")),
                                        server,
                                        "nova",
                                        new ServerPorts.Request.Listed(wishes),
                                        List.of("default")));
        assertThat(made).hasSize(2);
        assertThat(made.getFirst().addresses().getFirst()).isEqualTo("10.0.0.20");
        assertThat(made.getLast().id()).hasToString(own);
        assertError(member.put("/ports/" + own, "{'port':{'device_id':''}}"), 409, "PortInUse");
        // Somebody else writes the server's id into a port of their own: that changes nothing.
        HttpCaller other = as("attacker");
        String elsewhere = network(other);
        subnet(other, elsewhere, "10.0.0.0/24");
        Answer forged =
                other.post(
                        "/ports",
                        "{'port':{'network_id':'%s','device_id':'%s','device_owner':'compute:nova'}}"
                                .formatted(elsewhere, server));
        assertThat(forged.status()).isEqualTo(201);
        Map<UUID, List<ServerPorts.ServerPort>> seen =
                database.read(handle -> ports.of(handle, List.of(server)));
        assertThat(seen).containsExactly(Map.entry(server, made));
        database.run(handle -> ports.release(handle, server));
        Map<UUID, List<ServerPorts.ServerPort>> left =
                database.read(handle -> ports.of(handle, List.of(server)));
        assertThat(left).isEmpty();
        assertThat(member.get("/ports/" + made.getFirst().id()).status()).isEqualTo(404);
        JsonNode kept = member.get("/ports/" + own).json().path("port");
        assertThat(kept.path("device_id").asString()).isEmpty();
        String forgedId = forged.json().at("/port/id").asString();
        assertThat(other.get("/ports/" + forgedId).status()).isEqualTo(200);
    }

    @Test
    void securityGroupsFollowNeutron() {
        HttpCaller member = as("groups");
        JsonNode list = member.get("/security-groups").json().path("security_groups");
        assertThat(list).hasSize(1);
        assertThat(list.at("/0/name").asString()).isEqualTo("default");
        assertThat(list.at("/0/security_group_rules")).hasSize(4);
        String standard = list.at("/0/id").asString();
        assertError(
                member.delete("/security-groups/" + standard),
                409,
                "SecurityGroupCannotRemoveDefault");
        assertError(
                member.post("/security-groups", "{'security_group':{'name':'default'}}"),
                409,
                "SecurityGroupDefaultAlreadyExists");
        JsonNode web =
                created(
                        member.post("/security-groups", "{'security_group':{'name':'web'}}"),
                        "security_group");
        assertThat(web.path("security_group_rules")).hasSize(2);
        String id = web.path("id").asString();
        String ssh =
                ("{'security_group_rule':{'security_group_id':'%s','direction':'ingress',"
                                + "'protocol':'tcp','port_range_min':22,'port_range_max':'22',"
                                + "'remote_ip_prefix':'0.0.0.0/0'}}")
                        .formatted(id);
        JsonNode rule = created(member.post("/security-group-rules", ssh), "security_group_rule");
        assertThat(rule.path("ethertype").asString()).isEqualTo("IPv4");
        for (String same :
                List.of(
                        ssh,
                        ssh.replace("'tcp'", "6"),
                        ssh.replace("'tcp'", "'TCP'"),
                        ssh.replace(",'remote_ip_prefix':'0.0.0.0/0'", ""),
                        ssh.replace("0.0.0.0/0", "10.0.0.0/0"))) {
            assertError(member.post("/security-group-rules", same), 409, "SecurityGroupRuleExists");
        }
        assertError(
                member.post("/security-group-rules", ssh.replace("'tcp'", "'nothing'")),
                400,
                "SecurityGroupRuleInvalidProtocol");
        assertError(
                member.post("/security-group-rules", ssh.replace("0.0.0.0/0", "::/0")),
                400,
                "SecurityGroupRuleParameterConflict");
        assertError(
                member.post("/security-group-rules", ssh.replace(":22", ":23")),
                400,
                "SecurityGroupInvalidPortRange");
        String network = network(member);
        subnet(member, network, "10.0.0.0/24");
        JsonNode port =
                created(
                        member.post(
                                "/ports",
                                "{'port':{'network_id':'%s','security_groups':['%s']}}"
                                        .formatted(network, id)),
                        "port");
        assertError(member.delete("/security-groups/" + id), 409, "SecurityGroupInUse");
        String portPath = "/ports/" + port.path("id").asString();
        assertError(
                member.put(portPath, "{'port':{'port_security_enabled':false}}"),
                409,
                "PortSecurityPortHasSecurityGroup");
        Answer open =
                member.put(
                        portPath, "{'port':{'port_security_enabled':false,'security_groups':[]}}");
        assertThat(open.status()).isEqualTo(200);
        String ruleId = rule.path("id").asString();
        assertThat(member.delete("/security-group-rules/" + ruleId).status()).isEqualTo(204);
        assertThat(member.delete("/security-groups/" + id).status()).isEqualTo(204);
    }

    @Test
    void listsPageAndBulkCreates() {
        HttpCaller member = as("pages");
        Answer bulk =
                member.post(
                        "/networks",
                        "{'networks':[{'name':'a'},{'name':'b'},{'name':'c'},{'name':'d'}]}");
        assertThat(bulk.status()).isEqualTo(201);
        assertThat(bulk.json().path("networks")).hasSize(4);
        assertThat(names(member, "/networks?limit=3&sort_key=name&sort_dir=desc"))
                .containsExactly("d", "c", "b", "a");
        // Made in one transaction, so the time of creation decides nothing and the id all.
        assertThat(names(member, "/networks?limit=1"))
                .containsExactlyInAnyOrder("a", "b", "c", "d");
    }

    @Test
    void extensionsQuotasAndAbsentResources() {
        HttpCaller member = as("static");
        assertThat(member.get("/extensions").json().path("extensions")).hasSizeGreaterThan(10);
        assertThat(member.get("/extensions/security-group").status()).isEqualTo(200);
        assertError(member.get("/extensions/trunk"), 404, "ExtensionNotFound");
        // No network can be external, though every network says that it is not.
        assertError(member.get("/extensions/external-net"), 404, "ExtensionNotFound");
        assertThat(member.get("/agents").json().toString()).isEqualTo("{\"agents\":[]}");
        assertThat(member.get("/quotas/static").json().at("/quota/port").intValue()).isEqualTo(500);
        assertThat(member.get("/trunks").status()).isEqualTo(404);
    }

    /** Follows the links of a paged list. */
    private static List<String> names(HttpCaller member, String path) {
        var seen = new ArrayList<String>();
        String next = path;
        while (!next.isEmpty()) {
            JsonNode page = member.get(next).json();
            page.path("networks").forEach(one -> seen.add(one.path("name").asString()));
            String link = page.at("/networks_links/0/href").asString("");
            next = link.isEmpty() ? "" : link.substring(link.indexOf("/networks?"));
        }
        return seen;
    }

    private HttpCaller as(String token) {
        return region.as(token);
    }

    private static String network(HttpCaller member) {
        return created(member.post("/networks", "{'network':{'name':'n'}}"), "network")
                .path("id")
                .asString();
    }

    private static JsonNode subnet(HttpCaller member, String network, String cidr) {
        return created(member.post("/subnets", subnetBody(network, cidr)), "subnet");
    }

    private static String subnetBody(String network, String cidr) {
        return "{'subnet':{'network_id':'%s','ip_version':4,'cidr':'%s'}}".formatted(network, cidr);
    }

    private static JsonNode port(HttpCaller member, String network) {
        return created(member.post("/ports", "{'port':{'network_id':'" + network + "'}}"), "port");
    }

    private static Answer portWithIp(HttpCaller member, String network, String address) {
        return member.post(
                "/ports",
                "{'port':{'network_id':'%s','fixed_ips':[{'ip_address':'%s'}]}}"
                        .formatted(network, address));
    }

    private static JsonNode created(Answer answer, String name) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.json().path(name);
    }

    private static void assertError(Answer answer, int status, String type) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().at("/NeutronError/type").asString()).isEqualTo(type);
        assertThat(answer.json().at("/NeutronError/message").asString()).isNotEmpty();
    }
}
