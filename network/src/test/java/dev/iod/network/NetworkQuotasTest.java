package dev.iod.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.network.testing.NetworkRegion;
import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import dev.iod.store.Database;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every quota of the network service at its bound, one after the other and all at once. */
class NetworkQuotasTest {
    private NetworkRegion region;
    private Database database;
    private HttpCaller member;

    @BeforeEach
    void start() {
        region = new NetworkRegion();
        database = region.database();
        member = region.as("p");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    @Test
    void oneMoreThanTheLimitIsRefused() {
        String network = id("networks", "network", "");
        String group = id("security-groups", "security_group", "'name':'g'");
        bound(NetworkQuotas.NETWORKS, "networks", "network", i -> "");
        bound(
                NetworkQuotas.SUBNETS,
                "subnets",
                "subnet",
                i ->
                        "'network_id':'%s','ip_version':4,'cidr':'10.0.%d.0/24'"
                                .formatted(network, i));
        bound(NetworkQuotas.PORTS, "ports", "port", i -> "'network_id':'%s'".formatted(network));
        bound(NetworkQuotas.ROUTERS, "routers", "router", i -> "");
        bound(
                NetworkQuotas.SECURITY_GROUPS,
                "security-groups",
                "security_group",
                i -> "'name':'g%d'".formatted(i));
        bound(
                NetworkQuotas.RULES,
                "security-group-rules",
                "security_group_rule",
                i ->
                        ("'security_group_id':'%s','direction':'ingress','protocol':'tcp',"
                                        + "'port_range_min':%d,'port_range_max':%d")
                                .formatted(group, i, i));
    }

    @Test
    void concurrentRequestsDoNotPassTogether() throws Exception {
        limit(NetworkQuotas.ROUTERS, 3);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                answers.add(threads.submit(() -> post("routers", "router", "")));
            }
            int made = 0;
            for (Future<Answer> answer : answers) {
                assertThat(answer.get().status()).as(answer.get().text()).isIn(201, 409);
                made += answer.get().status() == 201 ? 1 : 0;
            }
            assertThat(made).isEqualTo(3);
        }
    }

    @Test
    void limitsAreShownSetAndReset() {
        var admin = region.as("p:admin");
        assertThat(member.get("/quotas/p").json().at("/quota/router").asInt()).isEqualTo(10);
        assertThat(member.get("/quotas/q").status()).isEqualTo(403);
        assertThat(member.put("/quotas/p", "{'quota':{'router':11}}").status()).isEqualTo(403);
        assertThat(admin.get("/quotas").json().at("/quotas").size()).isZero();

        Answer set = admin.put("/quotas/p", "{'quota':{'router':1,'network':-1}}");
        assertThat(set.status()).as(set.text()).isEqualTo(200);
        assertThat(set.json().at("/quota/router").asInt()).isEqualTo(1);
        assertThat(post("routers", "router", "").status()).isEqualTo(201);
        assertThat(post("routers", "router", "").status()).isEqualTo(409);
        for (String path : List.of("/quotas/p/details", "/quotas/p/details.json")) {
            Answer details = member.get(path);
            assertThat(details.json().at("/quota/router/limit").asInt()).isEqualTo(1);
            assertThat(details.json().at("/quota/router/used").asInt()).isEqualTo(1);
            assertThat(details.json().at("/quota/network/limit").asInt()).isEqualTo(-1);
        }
        assertThat(member.get("/quotas/p/default").json().at("/quota/router").asInt())
                .isEqualTo(10);
        assertThat(admin.get("/quotas").json().at("/quotas/0/project_id").stringValue())
                .isEqualTo("p");

        for (String wrong : List.of("'router':-2", "'router':'many'", "'floatingip':5")) {
            Answer refused = admin.put("/quotas/p", "{'quota':{'network':7," + wrong + "}}");
            assertThat(refused.status()).as(refused.text()).isEqualTo(400);
        }
        assertThat(member.get("/quotas/p").json().at("/quota/network").asInt()).isEqualTo(-1);

        assertThat(admin.delete("/quotas/p").status()).isEqualTo(204);
        assertThat(member.get("/quotas/p").json().at("/quota/router").asInt()).isEqualTo(10);
    }

    @Test
    void otherProjectsHaveTheirOwn() {
        limit(NetworkQuotas.NETWORKS, 0);
        assertThat(post("networks", "network", "").status()).isEqualTo(409);
        HttpCaller other = region.as("q");
        assertThat(other.post("/networks", "{'network':{}}").status()).isEqualTo(201);
    }

    /** Two more than there are now may be had, and not three. */
    private void bound(
            Quota quota,
            String path,
            String singular,
            java.util.function.IntFunction<String> fields) {
        long used = database.read(handle -> quota.counter().used(handle, "p"));
        limit(quota, used + 2);
        for (int i = 1; i <= 2; i++) {
            Answer made = post(path, singular, fields.apply(i));
            assertThat(made.status()).as(made.text()).isEqualTo(201);
        }
        Answer refused = post(path, singular, fields.apply(3));
        assertThat(refused.status()).as(refused.text()).isEqualTo(409);
        assertThat(refused.json().at("/NeutronError/type").stringValue()).isEqualTo("OverQuota");
        assertThat(refused.text()).contains("['" + quota.resource() + "']");
        limit(quota, Quota.UNLIMITED);
        assertThat(post(path, singular, fields.apply(3)).status()).isEqualTo(201);
    }

    private void limit(Quota quota, long limit) {
        database.run(handle -> Quotas.set(handle, "p", quota, limit));
    }

    private String id(String path, String singular, String fields) {
        return post(path, singular, fields).json().path(singular).path("id").stringValue();
    }

    private Answer post(String path, String singular, String fields) {
        return member.post("/" + path, "{'%s':{%s}}".formatted(singular, fields));
    }
}
