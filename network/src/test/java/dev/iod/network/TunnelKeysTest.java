package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.testing.NetworkRegion;
import dev.iod.region.Services;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which tunnel keys the API's networks, routers and ports get from a real PostgreSQL. */
class TunnelKeysTest {
    private static final String A_PORT =
            "INSERT INTO port (id, project_id, network_id, name, description, admin_state_up, mac,"
                    + " device_id, device_owner, port_security_enabled";

    private NetworkRegion region;
    private Database database;
    private HttpCaller member;

    @BeforeEach
    void start() {
        region = new NetworkRegion();
        database = region.database();
        region.withoutQuotas("p");
        member = region.as("p");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    @Test
    void aFreedKeyComesLast() {
        String network = network();
        assertThat(keyOfNetwork(network)).isEqualTo(65536);
        assertThat(member.delete("/networks/" + network).status()).isEqualTo(204);
        String next = network();
        assertThat(keyOfNetwork(next)).isEqualTo(65537);
        String router = made("routers", "router", "'name':'r'");
        assertThat(number("SELECT tunnel_key FROM router WHERE id = '" + router + "'"))
                .isEqualTo(65538);
        String port = port(next);
        int freed = keyOfPort(port);
        assertThat(member.delete("/ports/" + port).status()).isEqualTo(204);
        String other = port(next);
        assertThat(keyOfPort(other)).isEqualTo(freed + 1);

        // The sequences have gone round: keys in use are passed over, the freed ones come.
        execute("SELECT setval('datapath_key', 131071)");
        execute("SELECT setval('port_key', 32767)");
        assertThat(keyOfNetwork(network())).isEqualTo(65536);
        assertThat(keyOfNetwork(network())).isEqualTo(65539);
        execute("SELECT setval('port_key', %d)".formatted(freed - 1));
        assertThat(keyOfPort(port(next))).isEqualTo(freed);
        execute("SELECT setval('port_key', %d)".formatted(freed - 1));
        assertThat(keyOfPort(port(next))).isEqualTo(freed + 2);
    }

    @Test
    void concurrentCreationsGetDifferentKeys() throws Exception {
        String network = network();
        // Close to the end, so that it goes round meanwhile and meets keys in use.
        int used = keyOfPort(port(network));
        execute("SELECT setval('port_key', 32760)");
        execute("SELECT setval('datapath_key', 131068)");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<Future<Answer>>();
            for (int i = 0; i < 16; i++) {
                answers.add(
                        threads.submit(
                                () ->
                                        member.post(
                                                "/ports",
                                                "{'port':{'network_id':'" + network + "'}}")));
                answers.add(threads.submit(() -> member.post("/networks", "{'network':{}}")));
                answers.add(threads.submit(() -> member.post("/routers", "{'router':{}}")));
            }
            for (Future<Answer> answer : answers) {
                assertThat(answer.get().status()).as(answer.get().text()).isEqualTo(201);
            }
        }
        assertThat(
                        keys(
                                "SELECT segmentation_id FROM network UNION ALL SELECT tunnel_key"
                                        + " FROM router"))
                .hasSize(33)
                .doesNotHaveDuplicates()
                .allMatch(key -> key >= 65536 && key <= 131071);
        assertThat(keys("SELECT tunnel_key FROM port WHERE network_id = '" + network + "'"))
                .hasSize(18)
                .doesNotHaveDuplicates()
                .contains(used)
                .allMatch(key -> key >= 1 && key <= 32767);
    }

    @Test
    void withoutAFreeKeyNothingIsMade() {
        String network = network();
        String last = port(network);
        execute(
                A_PORT
                        + ", tunnel_key) SELECT gen_random_uuid(), 'p', '"
                        + network
                        + "', '', '', true, 'mac ' || key, '', '', false, key FROM"
                        + " generate_series(1, 32767) key ON CONFLICT DO NOTHING");
        Answer full = member.post("/ports", "{'port':{'network_id':'" + network + "'}}");
        assertThat(full.status()).as(full.text()).isEqualTo(409);
        assertThat(full.text()).contains("NoTunnelKeyAvailable", "32767 ports");
        int freed = keyOfPort(last);
        assertThat(member.delete("/ports/" + last).status()).isEqualTo(204);
        assertThat(keyOfPort(port(network))).isEqualTo(freed);

        execute(
                "INSERT INTO network (id, project_id, name, description, admin_state_up, mtu_bytes,"
                        + " port_security_enabled, segmentation_id) SELECT gen_random_uuid(), 'q', '',"
                        + " '', true, 1442, true, key FROM generate_series(65536, 131071) key ON"
                        + " CONFLICT DO NOTHING");
        for (String kind : List.of("network", "router")) {
            Answer none = member.post("/" + kind + "s", "{'" + kind + "':{}}");
            assertThat(none.status()).as(none.text()).isEqualTo(409);
            assertThat(none.text()).contains("NoTunnelKeyAvailable", "65536 networks and routers");
        }
    }

    @Test
    void aPortThatBecomesAnInterfaceGetsAKeyTheRouterHasNot() {
        String router = made("routers", "router", "'name':'r'");
        String first = network();
        String one = addressed(first, "10.0.0.0/24");
        String second = network();
        String two = addressed(second, "10.0.1.0/24");
        execute("UPDATE port SET tunnel_key = 500 WHERE id IN ('%s', '%s')".formatted(one, two));
        for (String port : List.of(one, two)) {
            Answer added =
                    member.put(
                            "/routers/" + router + "/add_router_interface",
                            "{'port_id':'" + port + "'}");
            assertThat(added.status()).as(added.text()).isEqualTo(200);
        }
        assertThat(keys("SELECT tunnel_key FROM port WHERE device_id = '" + router + "'"))
                .hasSize(2)
                .doesNotHaveDuplicates();
    }

    @Test
    void whatIsThereAlreadyGetsKeys() {
        String old = PostgresFixture.newDatabase();
        Flyway.configure(Database.class.getClassLoader())
                .dataSource(old, "", "")
                .locations("classpath:db/region", "classpath:db/network")
                .target("011")
                .load()
                .migrate();
        org.jdbi.v3.core.Jdbi.create(old)
                .useHandle(
                        handle -> {
                            handle.execute(
                                    "INSERT INTO network (id, project_id, name, description,"
                                            + " admin_state_up, mtu_bytes, port_security_enabled)"
                                            + " SELECT gen_random_uuid(), 'p', '', '', true, 1442, true"
                                            + " FROM generate_series(1, 50)");
                            handle.execute(
                                    "INSERT INTO router (id, project_id, name, description,"
                                            + " admin_state_up) VALUES (gen_random_uuid(), 'p', '', '',"
                                            + " true)");
                            handle.execute(
                                    A_PORT
                                            + ") SELECT gen_random_uuid(), 'p', n.id, '', '', true,"
                                            + " 'mac ' || i, r.id, 'network:router_interface',"
                                            + " false FROM network n, router r, generate_series(1,"
                                            + " 4) i");
                        });
        try (Database upgraded = Database.open(old, 2)) {
            Services.prepare(
                    upgraded, List.of(NetworkApi.service(upgraded, 1442, (handle, id) -> {})));
            assertThat(
                            keys(
                                    upgraded,
                                    "SELECT segmentation_id FROM network UNION ALL SELECT"
                                            + " tunnel_key FROM router"))
                    .hasSize(51)
                    .doesNotHaveDuplicates()
                    .allMatch(key -> key >= 65536);
            assertThat(keys(upgraded, "SELECT tunnel_key FROM port"))
                    .hasSize(200)
                    .doesNotHaveDuplicates();
        }
    }

    private String addressed(String network, String cidr) {
        made(
                "subnets",
                "subnet",
                "'network_id':'%s','ip_version':4,'cidr':'%s'".formatted(network, cidr));
        return port(network);
    }

    private String network() {
        return made("networks", "network", "'name':'n'");
    }

    private String port(String network) {
        return made("ports", "port", "'network_id':'" + network + "'");
    }

    private String made(String path, String name, String attributes) {
        Answer answer = member.post("/" + path, "{'%s':{%s}}".formatted(name, attributes));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.json().path(name).path("id").asString();
    }

    private int keyOfNetwork(String id) {
        return number("SELECT segmentation_id FROM network WHERE id = '" + id + "'");
    }

    private int keyOfPort(String id) {
        return number("SELECT tunnel_key FROM port WHERE id = '" + id + "'");
    }

    private int number(String query) {
        return keys(query).getFirst();
    }

    private List<Integer> keys(String query) {
        return keys(database, query);
    }

    private static List<Integer> keys(Database database, String query) {
        return database.read(handle -> handle.createQuery(query).mapTo(Integer.class).list());
    }

    private void execute(String statement) {
        database.run(handle -> handle.execute(statement));
    }
}
