package dev.iod.northbound;

import dev.iod.network.ServerPorts;
import dev.iod.network.testing.NetworkRegion;
import dev.iod.region.Actor;
import dev.iod.rest.testing.HttpCaller;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;

/**
 * Changes of intent by chance, most of them requests to the network API; what the service refuses
 * changes nothing.
 */
final class RandomIntent {
    private static final Actor CALLER =
            new Actor("req-test", "user-p", Optional.of("p"), Set.of("member"));

    private final NetworkRegion region;
    private final HttpCaller member;
    private final Random random;
    private final ServerPorts ports = ServerPorts.sql();
    private final List<UUID> servers = new ArrayList<>();
    private final Map<Change, Integer> done = new EnumMap<>(Change.class);
    private int named;

    /** What can happen. */
    enum Change {
        CREATE_NETWORK,
        UPDATE_NETWORK,
        DELETE_NETWORK,
        CREATE_SUBNET,
        UPDATE_SUBNET,
        DELETE_SUBNET,
        CREATE_PORT,
        UPDATE_PORT,
        DELETE_PORT,
        CREATE_ROUTER,
        UPDATE_ROUTER,
        DELETE_ROUTER,
        ADD_INTERFACE,
        REMOVE_INTERFACE,
        CREATE_GROUP,
        UPDATE_GROUP,
        DELETE_GROUP,
        CREATE_RULE,
        DELETE_RULE,
        CREATE_SERVER,
        BIND_SERVER,
        DELETE_SERVER
    }

    RandomIntent(NetworkRegion region, long seed) {
        this.region = region;
        this.member = region.as("p");
        this.random = new Random(seed);
    }

    /** Tries a change and says what it was. */
    Change step() {
        Change change = Change.values()[random.nextInt(Change.values().length)];
        if (run(change)) {
            done.merge(change, 1, Integer::sum);
        }
        return change;
    }

    /** How often each kind of change was made. */
    Map<Change, Integer> done() {
        return done;
    }

    private boolean run(Change change) {
        return switch (change) {
            case CREATE_NETWORK ->
                    post("networks", "network", "'name':'%s','mtu':%d".formatted(name(), mtu()));
            case UPDATE_NETWORK -> update("networks", "network", networkChange());
            case DELETE_NETWORK -> delete("networks");
            case CREATE_SUBNET -> createSubnet();
            case UPDATE_SUBNET -> update("subnets", "subnet", subnetChange());
            case DELETE_SUBNET -> delete("subnets");
            case CREATE_PORT ->
                    one("networks")
                            .map(
                                    network ->
                                            post(
                                                    "ports",
                                                    "port",
                                                    "'network_id':'%s'%s"
                                                            .formatted(id(network), portDetail())))
                            .orElse(false);
            case UPDATE_PORT -> update("ports", "port", portChange());
            case DELETE_PORT -> delete("ports");
            case CREATE_ROUTER -> post("routers", "router", "'name':'" + name() + "'");
            case UPDATE_ROUTER ->
                    update(
                            "routers",
                            "router",
                            "'name':'%s','admin_state_up':%s"
                                    .formatted(name(), random.nextBoolean()));
            case DELETE_ROUTER -> delete("routers");
            case ADD_INTERFACE -> addInterface();
            case REMOVE_INTERFACE -> removeInterface();
            case CREATE_GROUP ->
                    post("security-groups", "security_group", "'name':'" + name() + "'");
            case UPDATE_GROUP ->
                    update("security-groups", "security_group", "'description':'" + name() + "'");
            case DELETE_GROUP -> delete("security-groups");
            case CREATE_RULE -> createRule();
            case DELETE_RULE -> delete("security-group-rules");
            case CREATE_SERVER -> createServer();
            case BIND_SERVER ->
                    server(
                            (handle, server) ->
                                    ports.bind(handle, server, "node-" + random.nextInt(3)));
            case DELETE_SERVER ->
                    server(
                            (handle, server) -> {
                                ports.release(handle, server);
                                servers.remove(server);
                            });
        };
    }

    private String networkChange() {
        return switch (random.nextInt(3)) {
            case 0 -> "'name':'" + name() + "'";
            case 1 -> "'mtu':" + mtu();
            default -> "'admin_state_up':" + random.nextBoolean();
        };
    }

    private String subnetChange() {
        return switch (random.nextInt(4)) {
            case 0 -> "'enable_dhcp':" + random.nextBoolean();
            case 1 -> "'dns_nameservers':['192.0.2.%d']".formatted(1 + random.nextInt(200));
            case 2 ->
                    "'host_routes':[{'destination':'192.0.2.0/24','nexthop':'10.0.0.%d'}]"
                            .formatted(random.nextInt(200));
            default -> "'gateway_ip':null";
        };
    }

    private String portDetail() {
        return switch (random.nextInt(4)) {
            case 0 -> ",'port_security_enabled':false";
            case 1 -> ",'security_groups':[" + someGroups() + "]";
            case 2 -> ",'allowed_address_pairs':[{'ip_address':'10.9.9.9'}]";
            default -> "";
        };
    }

    private String portChange() {
        return switch (random.nextInt(5)) {
            case 0 -> "'name':'" + name() + "'";
            case 1 -> "'security_groups':[" + someGroups() + "]";
            case 2 -> "'admin_state_up':" + random.nextBoolean();
            case 3 -> "'port_security_enabled':false,'security_groups':[]";
            default -> "'fixed_ips':[]";
        };
    }

    private String someGroups() {
        var ids = new ArrayList<String>();
        all("security-groups").stream()
                .filter(group -> random.nextInt(3) == 0)
                .limit(3)
                .forEach(group -> ids.add("'" + id(group) + "'"));
        return String.join(",", ids);
    }

    private boolean createSubnet() {
        return one("networks")
                .map(
                        network ->
                                post(
                                        "subnets",
                                        "subnet",
                                        "'network_id':'%s','ip_version':4,'cidr':'10.%d.%d.0/24'"
                                                .formatted(
                                                        id(network),
                                                        random.nextInt(4),
                                                        random.nextInt(4))))
                .orElse(false);
    }

    private boolean addInterface() {
        Optional<JsonNode> router = one("routers");
        Optional<JsonNode> subnet = one("subnets");
        return router.isPresent()
                && subnet.isPresent()
                && put(
                        "/routers/" + id(router.get()) + "/add_router_interface",
                        "{'subnet_id':'" + id(subnet.get()) + "'}");
    }

    private boolean removeInterface() {
        List<JsonNode> interfaces = all("ports?device_owner=network:router_interface");
        if (interfaces.isEmpty()) {
            return false;
        }
        JsonNode port = interfaces.get(random.nextInt(interfaces.size()));
        return put(
                "/routers/" + port.path("device_id").asString() + "/remove_router_interface",
                "{'port_id':'" + id(port) + "'}");
    }

    private boolean createRule() {
        Optional<JsonNode> group = one("security-groups");
        Optional<JsonNode> remote = one("security-groups");
        int port = 1 + random.nextInt(1000);
        return group.isPresent()
                && remote.isPresent()
                && post(
                        "security-group-rules",
                        "security_group_rule",
                        ("'security_group_id':'%s','direction':'ingress','protocol':'tcp',"
                                        + "'port_range_min':%d,'port_range_max':%d%s")
                                .formatted(
                                        id(group.get()),
                                        port,
                                        port,
                                        random.nextBoolean()
                                                ? ",'remote_group_id':'" + id(remote.get()) + "'"
                                                : ""));
    }

    private boolean createServer() {
        List<JsonNode> networks =
                all("networks").stream()
                        .filter(network -> !network.path("subnets").isEmpty())
                        .toList();
        if (networks.isEmpty()) {
            return false;
        }
        String network = id(networks.get(random.nextInt(networks.size())));
        UUID server = UUID.randomUUID();
        region.database()
                .run(
                        handle ->
                                ports.create(
                                        handle,
                                        CALLER,
                                        server,
                                        "nova",
                                        new ServerPorts.Request.Listed(
                                                List.of(
                                                        new ServerPorts.Wish.OnNetwork(
                                                                network, Optional.empty()))),
                                        List.of()));
        return servers.add(server);
    }

    private boolean server(java.util.function.BiConsumer<Handle, UUID> action) {
        if (servers.isEmpty()) {
            return false;
        }
        UUID server = servers.get(random.nextInt(servers.size()));
        region.database().run(handle -> action.accept(handle, server));
        return true;
    }

    private boolean post(String path, String name, String attributes) {
        return ok(member.post("/" + path, "{'%s':{%s}}".formatted(name, attributes)));
    }

    private boolean put(String path, String body) {
        return ok(member.put(path, body));
    }

    private boolean update(String path, String name, String attributes) {
        return one(path)
                .map(
                        found ->
                                put(
                                        "/" + path + "/" + id(found),
                                        "{'%s':{%s}}".formatted(name, attributes)))
                .orElse(false);
    }

    private boolean delete(String path) {
        return one(path)
                .map(found -> ok(member.delete("/" + path + "/" + id(found))))
                .orElse(false);
    }

    private static boolean ok(HttpCaller.Answer answer) {
        if (answer.status() >= 500) {
            throw new AssertionError(answer.text());
        }
        return answer.status() < 300;
    }

    private Optional<JsonNode> one(String path) {
        List<JsonNode> found = all(path);
        return found.isEmpty()
                ? Optional.empty()
                : Optional.of(found.get(random.nextInt(found.size())));
    }

    private List<JsonNode> all(String path) {
        JsonNode answer = member.get("/" + path).json();
        var found = new ArrayList<JsonNode>();
        answer.values().forEach(list -> list.values().forEach(found::add));
        return found;
    }

    private static String id(JsonNode resource) {
        return resource.path("id").asString();
    }

    private String name() {
        return "name-" + named++;
    }

    private int mtu() {
        return 1300 + random.nextInt(3) * 50;
    }
}
