package dev.iod.northbound;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.ServerPorts;
import dev.iod.network.testing.NetworkRegion;
import dev.iod.northbound.testing.OvnCentral;
import dev.iod.region.Actor;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** From HTTP requests to a real northbound database, read with OVN's own tools. */
class NorthboundReconcilerTest {
    private static final String OWNER = "test";
    private static final Actor CALLER =
            new Actor("req-test", "user-p", Optional.of("p"), Set.of("member"));

    private NetworkRegion region;
    private Database database;
    private OvnCentral ovn;
    private NorthboundReconciler reconciler;
    private HttpCaller member;

    @BeforeEach
    void start() {
        ovn = OvnCentral.start();
        region = new NetworkRegion();
        region.withoutQuotas("p");
        database = region.database();
        member = region.as("p");
        reconciler = NorthboundReconciler.start(database, ovn.northbound(), OWNER);
    }

    @AfterEach
    void stop() {
        reconciler.close();
        region.close();
        ovn.close();
    }

    @Test
    void theTopologyReachesOvnAndSurvivesAWipe() {
        String network = create("networks", "network", "'name':'net','mtu':1400");
        String subnet =
                create(
                        "subnets",
                        "subnet",
                        "'network_id':'%s','ip_version':4,'cidr':'10.0.0.0/24','dns_nameservers':['9.9.9.9']"
                                .formatted(network));
        String port = create("ports", "port", "'network_id':'" + network + "'");
        String router = create("routers", "router", "'name':'r'");
        member.put(
                "/routers/" + router + "/add_router_interface", "{'subnet_id':'" + subnet + "'}");
        waitFor(() -> ovn.nbctl("show").contains("lrp-"));
        String expected = ovn.nbctl("show");
        assertThat(expected).contains("switch", "neutron-" + network, "neutron-" + router);
        assertThat(expected).contains("type: localport", "type: router", "10.0.0.1/24");
        waitFor(() -> ovn.nbctl("list", "Port_Group", "neutron_pg_drop").contains("ports"));
        String group = member.get("/security-groups").json().at("/security_groups/0/id").asString();
        String acls =
                ovn.nbctl("acl-list", SecurityGroupRows.portGroupName(UUID.fromString(group)));
        assertThat(acls).contains("1002", "allow-related");
        String dhcp =
                ovn.nbctl(
                        "--bare", "--columns=options", "find", "DHCP_Options", "cidr=10.0.0.0/24");
        assertThat(dhcp)
                .contains(
                        "classless_static_route={169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1}")
                .contains("mtu=1400", "dns_server={9.9.9.9}", "router=10.0.0.1");
        // northd accepts it: the port has a binding, and it has logical flows.
        waitFor(
                () ->
                        ovn.sbctl("--bare", "--columns=logical_port", "list", "Port_Binding")
                                .contains(port));
        assertThat(ovn.sbctl("lflow-list", "neutron-" + network)).contains("put_dhcp_opts");
        ovn.wipeNorthbound();
        waitFor(() -> names(ovn.nbctl("show")).equals(names(expected)));
    }

    @Test
    void tunnelKeysStayWhenTheSouthboundIsMadeAnew() {
        List<String> networks =
                IntStream.range(0, 4)
                        .mapToObj(i -> create("networks", "network", "'name':'net'"))
                        .toList();
        String router = create("routers", "router", "'name':'r'");
        for (String network : networks) {
            String subnet =
                    create(
                            "subnets",
                            "subnet",
                            "'network_id':'%s','ip_version':4,'cidr':'10.%d.0.0/24'"
                                    .formatted(network, networks.indexOf(network)));
            create("ports", "port", "'network_id':'" + network + "'");
            create("ports", "port", "'network_id':'" + network + "'");
            if (!network.equals(networks.getFirst())) {
                member.put(
                        "/routers/" + router + "/add_router_interface",
                        "{'subnet_id':'" + subnet + "'}");
            }
        }
        // Counting from 1, northd would now choose other keys for what is left.
        member.get("/ports?network_id=" + networks.getFirst())
                .json()
                .path("ports")
                .forEach(port -> member.delete("/ports/" + port.path("id").asString()));
        assertThat(member.delete("/networks/" + networks.getFirst()).status()).isEqualTo(204);
        List<String> wanted = wantedKeys();
        assertThat(wanted).hasSize(4 + 3 * 4 + 3).doesNotHaveDuplicates();
        awaitKeys(wanted);
        ovn.wipeSouthbound();
        awaitKeys(wanted);

        String changed = "neutron-" + networks.getLast();
        ovn.nbctl("set", "Logical_Switch", changed, "other_config:requested-tnl-key=77");
        waitFor(
                () ->
                        !ovn.nbctl("get", "Logical_Switch", changed, "other_config")
                                .contains("\"77\""));
        awaitKeys(wanted);
    }

    private void awaitKeys(List<String> wanted) {
        try {
            waitFor(() -> boundKeys().equals(wanted));
        } catch (AssertionError e) {
            assertThat(boundKeys()).isEqualTo(wanted);
            throw e;
        }
    }

    /** NAME KEY of every network and router, NETWORK or ROUTER, KEY of every port and interface. */
    private List<String> wantedKeys() {
        return database.read(
                handle ->
                        handle
                                .createQuery(
                                        "SELECT 'neutron-' || id || ' ' || segmentation_id FROM"
                                                + " network UNION ALL SELECT 'neutron-' || id || ' ' ||"
                                                + " tunnel_key FROM router UNION ALL SELECT id || ' '"
                                                + " || tunnel_key FROM port UNION ALL SELECT 'lrp-' ||"
                                                + " id || ' ' || tunnel_key FROM port WHERE"
                                                + " device_owner = 'network:router_interface'")
                                .mapTo(String.class)
                                .list()
                                .stream()
                                .sorted()
                                .toList());
    }

    /** The same of the southbound database. */
    private List<String> boundKeys() {
        String datapaths =
                ovn.sbctl(
                        "--format=csv",
                        "--no-heading",
                        "--columns=external_ids,tunnel_key",
                        "list",
                        "Datapath_Binding");
        String ports =
                ovn.sbctl(
                        "--format=csv",
                        "--no-heading",
                        "--columns=logical_port,tunnel_key",
                        "list",
                        "Port_Binding");
        return Stream.concat(
                        datapaths
                                .lines()
                                .map(
                                        line ->
                                                line.replaceFirst(
                                                        ".* name=(neutron-[0-9a-f-]{36}).*,",
                                                        "$1 ")),
                        ports.lines().map(line -> line.replace("\"", "").replace(',', ' ')))
                .sorted()
                .toList();
    }

    @Test
    void whatIsDeletedGoesAndWhatIsForeignStays() {
        ovn.nbctl("ls-add", "foreign", "--", "lsp-add", "foreign", "foreign-port");
        String network = create("networks", "network", "'name':'net'");
        create(
                "subnets",
                "subnet",
                "'network_id':'" + network + "','ip_version':4,'cidr':'10.0.0.0/24'");
        String port = create("ports", "port", "'network_id':'" + network + "'");
        waitFor(() -> ovn.nbctl("show").contains(port));
        ovn.nbctl("lsp-set-addresses", port, "00:00:00:00:00:01");
        ovn.nbctl("lsp-del", "foreign-port");
        waitFor(() -> ovn.nbctl("lsp-get-addresses", port).contains("fa:16:3e"));
        assertThat(member.delete("/ports/" + port).status()).isEqualTo(204);
        waitFor(() -> !ovn.nbctl("show").contains(port));
        assertThat(member.delete("/networks/" + network).status()).isEqualTo(204);
        waitFor(() -> !ovn.nbctl("show").contains(network));
        assertThat(ovn.nbctl("ls-list")).contains("foreign");
        assertThat(ovn.nbctl("--bare", "--columns=cidr", "list", "DHCP_Options")).isBlank();
    }

    @Test
    void aRowThatIsRefusedHoldsUpNothingElse() {
        reconciler.close();
        ovn.wipeNorthbound();
        // Names of port groups are unique, and this one is somebody else's.
        ovn.nbctl("pg-add", SecurityGroupRows.DROP_GROUP);
        reconciler = NorthboundReconciler.start(database, ovn.northbound(), OWNER);
        String network = create("networks", "network", "'name':'net'");
        create(
                "subnets",
                "subnet",
                "'network_id':'" + network + "','ip_version':4,'cidr':'10.0.0.0/24'");
        String port = create("ports", "port", "'network_id':'" + network + "'");
        waitFor(() -> ovn.nbctl("show").contains(port));
        waitFor(() -> reconciler.status().problem().contains("Port_Group neutron_pg_drop"));
        ovn.nbctl("pg-del", SecurityGroupRows.DROP_GROUP);
        waitFor(
                () ->
                        ovn.nbctl("--bare", "--columns=ports", "list", "Port_Group")
                                .lines()
                                .anyMatch(line -> !line.isBlank()));
        waitFor(() -> reconciler.status().problem().isEmpty());
    }

    @Test
    void portsFollowWhatOvnReports() {
        String network = create("networks", "network", "'name':'net'");
        create(
                "subnets",
                "subnet",
                "'network_id':'" + network + "','ip_version':4,'cidr':'10.0.0.0/24'");
        ServerPorts ports = ServerPorts.sql();
        UUID serverId = UUID.randomUUID();
        String port =
                database.transaction(
                        handle -> {
                            var made =
                                    ports.create(
                                            handle,
                                            CALLER,
                                            serverId,
                                            "nova",
                                            new ServerPorts.Request.Auto(),
                                            List.of());
                            ports.bind(handle, serverId, "node-1");
                            return made.getFirst().id().toString();
                        });
        assertThat(status(port)).isEqualTo("DOWN");
        waitFor(() -> ovn.nbctl("show").contains(port));
        assertThat(ovn.nbctl("get", "Logical_Switch_Port", port, "options"))
                .contains("requested-chassis=node-1");
        // A chassis claims the port; northd turns that into "up".
        ovn.sbctl("chassis-add", "node-1", "geneve", "192.0.2.1");
        waitFor(
                () ->
                        ovn.sbctl("--bare", "--columns=logical_port", "list", "Port_Binding")
                                .contains(port));
        ovn.sbctl("lsp-bind", port, "node-1");
        waitFor(() -> status(port).equals("ACTIVE"));
        ovn.sbctl("lsp-unbind", port);
        waitFor(() -> status(port).equals("DOWN"));
        database.run(handle -> ports.release(handle, serverId));
        waitFor(() -> !ovn.nbctl("show").contains(port));
    }

    @Test
    void stoppedAnywhereASecondRunCompletes() {
        reconciler.close();
        String network = create("networks", "network", "'name':'net'");
        create(
                "subnets",
                "subnet",
                "'network_id':'" + network + "','ip_version':4,'cidr':'10.0.0.0/24'");
        for (int i = 0; i < 30; i++) {
            create("ports", "port", "'network_id':'" + network + "'");
        }
        // One row per transaction, so that a stop leaves any prefix of the work.
        for (int i = 0; i < 8; i++) {
            reconciler =
                    NorthboundReconciler.start(
                            database, ovn.northbound(), OWNER, 1, NorthboundReconciler.FULL_CHECK);
            int ports = countPorts(network);
            waitFor(() -> countPorts(network) > ports || reconciler.status().rounds() > 0);
            reconciler.close();
        }
        reconciler = NorthboundReconciler.start(database, ovn.northbound(), OWNER);
        waitFor(() -> reconciler.status().rounds() > 0);
        assertThat(countPorts(network)).isEqualTo(31);
        assertThat(
                        ovn.nbctl(
                                        "--bare",
                                        "--columns=name",
                                        "find",
                                        "Logical_Switch",
                                        "name=neutron-" + network)
                                .strip())
                .isEqualTo("neutron-" + network);
        assertThat(
                        ovn.nbctl(
                                        "--bare",
                                        "--columns=ports",
                                        "list",
                                        "Port_Group",
                                        "neutron_pg_drop")
                                .split("\\s+"))
                .hasSize(30);
        assertThat(
                        ovn.nbctl("--bare", "--columns=_uuid", "list", "ACL")
                                .lines()
                                .filter(line -> !line.isBlank()))
                .hasSize(6);
    }

    private int countPorts(String network) {
        if (!ovn.nbctl("ls-list").contains(network)) {
            return 0;
        }
        return (int) ovn.nbctl("lsp-list", "neutron-" + network).lines().count();
    }

    private String status(String port) {
        return member.get("/ports/" + port).json().at("/port/status").asString();
    }

    private String create(String path, String name, String attributes) {
        var answer = member.post("/" + path, "{'%s':{%s}}".formatted(name, attributes));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        JsonNode made = answer.json().path(name);
        return made.path("id").asString();
    }

    /** The lines of ovn-nbctl show without the rows' UUIDs, which a rebuilt database has anew. */
    private static Set<String> names(String shown) {
        return Set.copyOf(
                shown.lines()
                        .map(line -> line.replaceFirst("^(switch|router) [0-9a-f-]{36}", "$1"))
                        .sorted()
                        .distinct()
                        .toList());
    }

    private void waitFor(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(reconciler.status().toString()).isLessThan(deadline);
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
