package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.testing.NetworkRegion;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** What clients send at the edges, answered as Neutron answers; each test is a project. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NetworkAnswersTest {
    private NetworkRegion region;

    @BeforeAll
    void start() {
        region = new NetworkRegion();
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void severalAddressesOfOneSubnet() {
        HttpCaller member = region.as("several");
        String network = network(member);
        String subnet = subnet(member, network, "10.0.0.0/29", "");
        String any = "{'subnet_id':'" + subnet + "'}";
        JsonNode port = port(member, network, "'fixed_ips':[" + any + "," + any + "]");
        assertThat(addresses(port)).containsExactly("10.0.0.3", "10.0.0.4");
        // One that is asked for by name, later in the list, is not chosen for another.
        port =
                ok(
                        member.put(
                                "/ports/" + id(port),
                                ("{'port':{'fixed_ips':[%s,%s,{'ip_address':'10.0.0.3'},"
                                                + "{'ip_address':'10.0.0.5'}]}}")
                                        .formatted(any, any)),
                        "port");
        assertThat(addresses(port)).containsExactly("10.0.0.4", "10.0.0.6", "10.0.0.3", "10.0.0.5");
        // Its own are kept.
        port =
                ok(
                        member.put(
                                "/ports/" + id(port),
                                "{'port':{'fixed_ips':[" + any + "," + any + "]}}"),
                        "port");
        assertThat(Set.copyOf(addresses(port))).hasSize(2);
        error(
                member.post(
                        "/ports",
                        "{'port':{'network_id':'%s','fixed_ips':[%s,%s,%s,%s]}}"
                                .formatted(network, any, any, any, any)),
                409,
                "IpAddressGenerationFailure");
        // Two interfaces of servers, and of routers, are two ports.
        assertThat(addresses(port(member, network, ""))).hasSize(1);
    }

    @Test
    void poolsWithHolesAreFilledInOrder() {
        HttpCaller member = region.as("pools");
        String network = network(member);
        String subnet =
                subnet(
                        member,
                        network,
                        "10.0.0.0/24",
                        ",'enable_dhcp':false,'allocation_pools':["
                                + "{'start':'10.0.0.20','end':'10.0.0.21'},"
                                + "{'start':'10.0.0.10','end':'10.0.0.11'}]");
        String any = "{'subnet_id':'" + subnet + "'}";
        JsonNode port = port(member, network, "'fixed_ips':[" + any + "," + any + "," + any + "]");
        assertThat(addresses(port)).containsExactly("10.0.0.10", "10.0.0.11", "10.0.0.20");
    }

    @Test
    void macAddressesAreComparedInAnyNotation() {
        HttpCaller member = region.as("mac");
        String network = network(member);
        JsonNode port = port(member, network, "'mac_address':'FA163E-0A0B0C'");
        assertThat(port.path("mac_address").asString()).isEqualTo("fa:16:3e:0a:0b:0c");
        for (String text :
                List.of(
                        "fa:16:3e:0a:0b:0c",
                        "FA:16:3E:0A:0B:0C",
                        "fa-16-3e-a-b-c",
                        "fa16.3e0a.0b0c")) {
            assertThat(ids(member, "ports", "?mac_address=" + text))
                    .as(text)
                    .containsExactly(id(port));
        }
        assertThat(ids(member, "ports", "?mac_address=fa:16:3e:00:00:01&mac_address=FA163E0A0B0C"))
                .containsExactly(id(port));
        assertThat(ids(member, "ports", "?mac_address=none")).isEmpty();
        error(
                member.post(
                        "/ports",
                        "{'port':{'network_id':'%s','mac_address':'fa16.3e0a.0b0c'}}"
                                .formatted(network)),
                409,
                "MacAddressInUse");
    }

    @Test
    void theEdgesOfPaging() {
        HttpCaller member = region.as("paging");
        Set<String> all = new TreeSet<>();
        IntStream.range(0, 5).forEach(i -> all.add(network(member)));
        for (String limit : List.of("?limit=0", "?limit=", "", "?limit=5000", "?limit=0&marker=")) {
            assertThat(ids(member, "networks", limit))
                    .as(limit)
                    .containsExactlyInAnyOrderElementsOf(all);
        }
        assertThat(member.get("/networks?limit=0").json().has("networks_links")).isFalse();
        List<String> first = ids(member, "networks", "?limit=2&sort_key=id&sort_dir=asc");
        assertThat(first).hasSize(2);
        assertThat(
                        ids(
                                member,
                                "networks",
                                "?limit=0&sort_key=id&sort_dir=asc&marker=" + first.getLast()))
                .containsExactlyElementsOf(all.stream().skip(2).toList());
        error(member.get("/networks?limit=-1"), 400, "HTTPBadRequest");
        error(member.get("/networks?limit=two"), 400, "HTTPBadRequest");
        String byStatus = "?limit=2&sort_key=status&sort_key=id&sort_dir=asc&sort_dir=asc";
        assertThat(ids(member, "networks", byStatus)).containsExactlyElementsOf(first);
        assertThat(ids(member, "networks", byStatus + "&marker=" + first.getLast()))
                .containsExactlyElementsOf(all.stream().skip(2).limit(2).toList());
        assertThat(member.get("/routers?sort_key=status").status()).isEqualTo(200);
        // A marker is a resource that is looked up, as any other.
        error(member.get("/networks?limit=2&marker=" + UUID.randomUUID()), 404, "NetworkNotFound");
        error(member.get("/ports?limit=2&marker=none"), 404, "PortNotFound");
    }

    @Test
    void listsThatAreSets() {
        HttpCaller member = region.as("sets");
        String network = network(member);
        String base = "{'subnet':{'network_id':'%s','ip_version':4,'cidr':'10.0.0.0/24',%s}}";
        String dns = "'dns_nameservers':['192.0.2.1','192.0.2.2','192.0.2.1']";
        String route = "{'destination':'192.0.2.0/24','nexthop':'10.0.0.9'}";
        // The same prefix in another notation.
        String same = "{'destination':'192.0.2.7/24','nexthop':'10.0.0.9'}";
        String routes = "'host_routes':[" + route + "," + same + "]";
        error(member.post("/subnets", base.formatted(network, dns)), 400, "HTTPBadRequest");
        error(member.post("/subnets", base.formatted(network, routes)), 400, "HTTPBadRequest");
        String pool = "{'start':'10.0.0.10','end':'10.0.0.20'}";
        error(
                member.post(
                        "/subnets",
                        base.formatted(network, "'allocation_pools':[" + pool + "," + pool + "]")),
                409,
                "OverlappingAllocationPools");
        String subnet = subnet(member, network, "10.0.0.0/24", ",'host_routes':[" + route + "]");
        error(member.put("/subnets/" + subnet, "{'subnet':{" + dns + "}}"), 400, "HTTPBadRequest");
        error(
                member.put("/subnets/" + subnet, "{'subnet':{" + routes + "}}"),
                400,
                "HTTPBadRequest");
        String port = id(port(member, network, ""));
        String change = "{'port':{%s}}";
        error(
                member.put(
                        "/ports/" + port,
                        change.formatted(
                                "'allowed_address_pairs':[{'ip_address':'10.0.0.7'},"
                                        + "{'ip_address':'10.0.0.7'}]")),
                400,
                "DuplicateAddressPairInRequest");
        error(
                member.put(
                        "/ports/" + port,
                        change.formatted(
                                "'fixed_ips':[{'ip_address':'10.0.0.7'},{'ip_address':'10.0.0.7'}]")),
                400,
                "HTTPBadRequest");
        // A set of groups may name one twice: the plugin makes a set of it.
        String group = id(port(member, network, "").path("security_groups").get(0));
        JsonNode twice =
                ok(
                        member.put(
                                "/ports/" + port,
                                change.formatted(
                                        "'security_groups':['%s','%s']".formatted(group, group))),
                        "port");
        assertThat(twice.path("security_groups")).hasSize(1);
    }

    @Test
    void whatIsSoAnywayMayBeSaid() {
        HttpCaller member = region.as("so");
        String network =
                id(
                        created(
                                member.post(
                                        "/networks",
                                        "{'network':{'name':'n','is_default':false,'shared':false,"
                                                + "'router:external':false,'vlan_transparent':false,"
                                                + "'qos_policy_id':null,'dns_domain':'','segments':[],"
                                                + "'provider:network_type':'geneve',"
                                                + "'provider:physical_network':null,"
                                                + "'availability_zone_hints':[]}}"),
                                "network"));
        ok(
                member.put(
                        "/networks/" + network,
                        "{'network':{'is_default':false,'shared':'False','dns_domain':''}}"),
                "network");
        error(
                member.put("/networks/" + network, "{'network':{'is_default':true}}"),
                400,
                "InvalidInput");
        String subnet =
                subnet(
                        member,
                        network,
                        "10.0.0.0/24",
                        ",'ipv6_ra_mode':null,'subnetpool_id':null,'segment_id':null,"
                                + "'service_types':[],'use_default_subnetpool':false,"
                                + "'dns_publish_fixed_ip':false");
        ok(
                member.put(
                        "/subnets/" + subnet,
                        "{'subnet':{'service_types':[],'dns_publish_fixed_ip':false}}"),
                "subnet");
        JsonNode port =
                port(
                        member,
                        network,
                        "'dns_name':'','dns_domain':'','qos_policy_id':null,'device_profile':null,"
                                + "'extra_dhcp_opts':[],'propagate_uplink_status':false,"
                                + "'binding:vnic_type':'normal'");
        ok(
                member.put("/ports/" + id(port), "{'port':{'dns_name':'','qos_policy_id':null}}"),
                "port");
        error(member.put("/ports/" + id(port), "{'port':{'dns_name':'web'}}"), 400, "InvalidInput");
        String router =
                id(
                        created(
                                member.post(
                                        "/routers",
                                        "{'router':{'name':'r','distributed':true,'ha':false,"
                                                + "'routes':[],'external_gateway_info':{},"
                                                + "'enable_ndp_proxy':false,'flavor_id':null}}"),
                                "router"));
        ok(
                member.put(
                        "/routers/" + router,
                        "{'router':{'routes':[],'external_gateway_info':null}}"),
                "router");
        String group =
                id(
                        created(
                                member.post(
                                        "/security-groups",
                                        "{'security_group':{'name':'g','stateful':true}}"),
                                "security_group"));
        error(
                member.put("/security-groups/" + group, "{'security_group':{'stateful':false}}"),
                400,
                "InvalidInput");
    }

    @Test
    void unknownReferencesAreNotFound() {
        HttpCaller member = region.as("unknown");
        HttpCaller other = region.as("unknown-other");
        String network = network(member);
        String foreign = network(other);
        String foreignSubnet = subnet(other, foreign, "10.0.0.0/24", "");
        subnet(member, network, "10.0.0.0/24", "");
        String unknown = UUID.randomUUID().toString();
        String gateway = "{'router':{'external_gateway_info':{'network_id':'%s'}}}";
        error(member.post("/routers", gateway.formatted(unknown)), 404, "NetworkNotFound");
        error(member.post("/routers", gateway.formatted(foreign)), 404, "NetworkNotFound");
        error(member.post("/routers", gateway.formatted(network)), 400, "BadRequest");
        String router = id(created(member.post("/routers", "{'router':{}}"), "router"));
        error(member.put("/routers/" + router, gateway.formatted(unknown)), 404, "NetworkNotFound");

        String group =
                id(
                        created(
                                member.post("/security-groups", "{'security_group':{'name':'g'}}"),
                                "security_group"));
        for (String remote : List.of("no-uuid", unknown)) {
            error(
                    member.post(
                            "/security-group-rules",
                            ("{'security_group_rule':{'security_group_id':'%s','direction':'ingress',"
                                            + "'remote_group_id':'%s'}}")
                                    .formatted(group, remote)),
                    404,
                    "SecurityGroupNotFound");
        }
        String wanted = "{'port':{'network_id':'%s','fixed_ips':[{'subnet_id':'%s'}]}}";
        for (String subnet : List.of(unknown, foreignSubnet)) {
            error(member.post("/ports", wanted.formatted(network, subnet)), 404, "SubnetNotFound");
        }
        String elsewhere = subnet(member, network(member), "10.1.0.0/24", "");
        error(member.post("/ports", wanted.formatted(network, elsewhere)), 400, "InvalidInput");
        error(member.post("/ports", wanted.formatted(unknown, elsewhere)), 404, "NetworkNotFound");
    }

    @Test
    void portsOfRulesAreRefusedInNeutronsWords() {
        HttpCaller member = region.as("ports");
        String group =
                id(
                        created(
                                member.post("/security-groups", "{'security_group':{'name':'g'}}"),
                                "security_group"));
        String body =
                "{'security_group_rule':{'security_group_id':'%s','direction':'ingress',"
                        + "'protocol':'%s','port_range_min':%s,'port_range_max':%s}}";
        Map.of(
                        List.of("tcp", "-16", "80"), "Invalid value for port -16",
                        List.of("tcp", "80", "65536"), "Invalid value for port 65536",
                        List.of("udp", "-1", "-1"), "Invalid value for port -1",
                        List.of("icmp", "-1", "25"), "Invalid value for port -1",
                        List.of("tcp", "80", "79"), "port_range_min must be <= port_range_max",
                        List.of("icmp", "null", "6"), "ICMP type (port-range-min) is missing",
                        List.of("icmp", "300", "1"),
                                "Invalid value for ICMP type (port-range-min) 300.",
                        List.of("icmp", "1", "256"),
                                "Invalid value for ICMP code (port-range-max) 256.")
                .forEach(
                        (rule, words) -> {
                            Answer refused =
                                    member.post(
                                            "/security-group-rules",
                                            body.formatted(
                                                    group, rule.get(0), rule.get(1), rule.get(2)));
                            assertThat(refused.status()).as(rule + "").isEqualTo(400);
                            assertThat(refused.text()).contains(words);
                        });
    }

    @Test
    void addressesAreComparedAsTheyAreStored() {
        HttpCaller member = region.as("text");
        String network = network(member);
        String subnet = subnet(member, network, "10.0.0.77/24", "");
        assertThat(ids(member, "subnets", "?cidr=10.0.0.5/24")).containsExactly(subnet);
        assertThat(ids(member, "subnets", "?cidr=none")).isEmpty();
        String group =
                id(
                        created(
                                member.post("/security-groups", "{'security_group':{'name':'g'}}"),
                                "security_group"));
        JsonNode rule =
                created(
                        member.post(
                                "/security-group-rules",
                                ("{'security_group_rule':{'security_group_id':'%s',"
                                                + "'direction':'ingress','ethertype':'IPv6',"
                                                + "'remote_ip_prefix':'2001:DB8:0:0::7/64'}}")
                                        .formatted(group)),
                        "security_group_rule");
        assertThat(rule.path("remote_ip_prefix").asString()).isEqualTo("2001:db8::/64");
        assertThat(ids(member, "security-group-rules", "?remote_ip_prefix=2001:0db8::%2F64"))
                .containsExactly(id(rule));
    }

    @Test
    void manyClientsMakePortsInOneSubnetAndNoneIsRunAgain() throws Exception {
        HttpCaller member = region.as("many");
        String network = network(member);
        subnet(member, network, "10.0.0.0/16", "");
        // The default group is there: the first of many would make it.
        port(member, network, "");
        long before = region.database().collisions();
        var addresses = ConcurrentHashMap.<String>newKeySet();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var clients = new ArrayList<Future<?>>();
            for (int client = 0; client < 8; client++) {
                clients.add(
                        threads.submit(
                                () -> {
                                    for (int i = 0; i < 25; i++) {
                                        addresses.addAll(addresses(port(member, network, "")));
                                    }
                                }));
            }
            for (Future<?> client : clients) {
                client.get();
            }
        }
        assertThat(addresses).hasSize(200);
        assertThat(region.database().collisions()).isEqualTo(before);
    }

    private static String network(HttpCaller member) {
        return id(created(member.post("/networks", "{'network':{'name':'n'}}"), "network"));
    }

    private static String subnet(HttpCaller member, String network, String cidr, String more) {
        return id(
                created(
                        member.post(
                                "/subnets",
                                "{'subnet':{'network_id':'%s','ip_version':4,'cidr':'%s'%s}}"
                                        .formatted(network, cidr, more)),
                        "subnet"));
    }

    private static JsonNode port(HttpCaller member, String network, String more) {
        String rest = more.isEmpty() ? "" : "," + more;
        return created(
                member.post("/ports", "{'port':{'network_id':'%s'%s}}".formatted(network, rest)),
                "port");
    }

    private static List<String> ids(HttpCaller member, String path, String query) {
        JsonNode answer = member.get("/" + path + query).json().path(path.replace('-', '_'));
        return answer.values().stream().map(NetworkAnswersTest::id).toList();
    }

    private static List<String> addresses(JsonNode port) {
        return port.path("fixed_ips").values().stream()
                .map(fixed -> fixed.path("ip_address").asString())
                .toList();
    }

    private static String id(JsonNode resource) {
        return resource.isString() ? resource.asString() : resource.path("id").asString();
    }

    private static JsonNode created(Answer answer, String name) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.json().path(name);
    }

    private static JsonNode ok(Answer answer, String name) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.json().path(name);
    }

    private static void error(Answer answer, int status, String type) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().at("/NeutronError/type").asString())
                .as(answer.text())
                .isEqualTo(type);
    }
}
