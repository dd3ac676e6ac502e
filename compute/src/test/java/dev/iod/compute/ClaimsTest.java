package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The capacity claim and the quota under requests at the same time. */
class ClaimsTest {
    private static final int REQUESTS = 24;
    private static final int THREADS = 8;

    private Region region;
    private HttpCaller admin;

    @BeforeEach
    void start() {
        region = new Region();
        admin = region.compute("p0:admin");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private List<Answer> together(List<java.util.concurrent.Callable<Answer>> calls)
            throws Exception {
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (Future<Answer> future : threads.invokeAll(calls)) {
                answers.add(future.get());
            }
        }
        return answers;
    }

    private Answer create(String project) {
        return create(project, Region.IMAGE);
    }

    private Answer create(String project, String image) {
        return region.compute(project)
                .post(
                        "/servers",
                        "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '1'}}"
                                .formatted(image));
    }

    private void unlimited(String project) {
        admin.put(
                "/os-quota-sets/" + project,
                "{'quota_set': {'instances': -1, 'cores': -1, 'ram': -1}}");
    }

    /** Sums in {@code compute_node} equal the servers placed, and stay within each node. */
    private long placed() {
        return region.database.read(
                handle -> {
                    long wrong =
                            handle.createQuery(
                                            "SELECT count(*) FROM compute_node c JOIN node n USING"
                                                    + " (name) WHERE c.claimed_memory_mib <> (SELECT"
                                                    + " coalesce(sum(memory_mib), 0) FROM server s"
                                                    + " WHERE s.node = c.name) OR c.claimed_vcpus <>"
                                                    + " (SELECT coalesce(sum(vcpus), 0) FROM server s"
                                                    + " WHERE s.node = c.name) OR c.claimed_disk_mib <>"
                                                    + " (SELECT coalesce(sum(ceil(root_size_bytes /"
                                                    + " 1048576.0)), 0) FROM server s"
                                                    + " WHERE s.node = c.name) OR c.claimed_memory_mib"
                                                    + " > n.memory_mib OR c.claimed_disk_mib >"
                                                    + " n.disk_mib")
                                    .mapTo(Long.class)
                                    .one();
                    assertThat(wrong).as("nodes whose claims are wrong").isZero();
                    return handle.createQuery("SELECT count(*) FROM server WHERE node IS NOT NULL")
                            .mapTo(Long.class)
                            .one();
                });
    }

    /** The servers of project q0 are deleted, and nothing is claimed any more. */
    private void allGoneFrom(FakeNode node) {
        HttpCaller owner = region.compute("q0");
        owner.get("/servers")
                .json()
                .path("servers")
                .forEach(s -> owner.delete("/servers/" + s.path("id").stringValue()));
        node.sync();
        assertThat(placed()).isZero();
    }

    @Test
    void concurrentRequestsFillTheNodesExactly() throws Exception {
        // m1.tiny has 512 MiB: five fit on n1 and three on n2.
        region.node("n1", 64, 5 * 512 + 100);
        region.node("n2", 64, 3 * 512);
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            String project = "q" + i % 4;
            unlimited(project);
            calls.add(() -> create(project));
        }
        List<Answer> answers = together(calls);
        assertThat(answers).allSatisfy(a -> assertThat(a.status()).as(a.text()).isEqualTo(202));
        assertThat(placed()).isEqualTo(8);
        JsonNode errors = admin.get("/servers?all_tenants=1&status=ERROR").json().path("servers");
        assertThat(errors.size()).isEqualTo(REQUESTS - 8);
    }

    @Test
    void concurrentRequestsFillThePoolsExactly() throws Exception {
        // Disks as large as their image, 2049 MiB when rounded up: four fit.
        FakeNode node = region.node("n1", 64, 65_536);
        node.pool(4 * 2049 + 2048);
        unlimited("q0");
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            calls.add(() -> create("q0", Region.DISK_IMAGE));
        }
        assertThat(together(calls)).allSatisfy(a -> assertThat(a.status()).isEqualTo(202));
        assertThat(placed()).isEqualTo(4);
        JsonNode refused =
                admin.get("/servers/detail?all_tenants=1&status=ERROR").json().path("servers");
        assertThat(refused.size()).isEqualTo(4);
        assertThat(refused.get(0).path("fault").path("message").stringValue())
                .isEqualTo(
                        "No valid host was found. There are not enough hosts available."
                                + " (of 1: 1 short of disk)");
        assertThat(create("q0").status()).isEqualTo(202);
        assertThat(placed()).as("one without a disk fits").isEqualTo(5);
        JsonNode shown = admin.get("/os-hypervisors/detail").json().path("hypervisors").get(0);
        assertThat(shown.path("local_gb").intValue()).isEqualTo(10);
        assertThat(shown.path("local_gb_used").intValue()).isEqualTo(9);
        assertThat(shown.path("free_disk_gb").intValue()).isEqualTo(1);
        allGoneFrom(node);
    }

    @Test
    void claimsAreGivenBackWhileOthersAreMade() throws Exception {
        FakeNode node = region.node("n1", 64, 4 * 512);
        unlimited("q0");
        for (int i = 0; i < 4; i++) {
            create("q0");
        }
        node.sync();
        HttpCaller owner = region.compute("q0");
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (JsonNode server : owner.get("/servers").json().path("servers")) {
            String id = server.path("id").stringValue();
            calls.add(() -> owner.delete("/servers/" + id));
            calls.add(() -> create("q0"));
        }
        AtomicBoolean done = new AtomicBoolean();
        Thread reports =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    while (!done.get()) {
                                        node.sync();
                                    }
                                });
        together(calls);
        done.set(true);
        reports.join();
        node.sync();
        assertThat(placed()).isLessThanOrEqualTo(4);
        allGoneFrom(node);
    }

    @Test
    void theQuotaHoldsUnderConcurrency() throws Exception {
        region.node("n1", 64, 65_536);
        admin.put("/os-quota-sets/q0", "{'quota_set': {'instances': 3}}");
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            calls.add(() -> create("q0"));
        }
        List<Answer> answers = together(calls);
        assertThat(answers.stream().filter(a -> a.status() == 202)).hasSize(3);
        Answer refused = answers.stream().filter(a -> a.status() != 202).findFirst().orElseThrow();
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.json().path("forbidden").path("message").stringValue())
                .isEqualTo(
                        "Quota exceeded for instances: Requested 1, but already used 3 of 3"
                                + " instances");
    }

    @Test
    void antiAffinityHoldsUnderConcurrency() throws Exception {
        region.node("n1", 64, 65_536);
        region.node("n2", 64, 65_536);
        HttpCaller owner = region.compute("q0");
        String group =
                owner.post(
                                "/os-server-groups",
                                "{'server_group': {'name': 'g', 'policies': ['anti-affinity']}}")
                        .json()
                        .path("server_group")
                        .path("id")
                        .stringValue();
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            calls.add(
                    () ->
                            owner.post(
                                    "/servers",
                                    ("{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef':"
                                                    + " '42'}, 'os:scheduler_hints': {'group':"
                                                    + " '%s'}}")
                                            .formatted(Region.IMAGE, group)));
        }
        assertThat(together(calls)).allSatisfy(a -> assertThat(a.status()).isEqualTo(202));
        assertThat(placed()).isEqualTo(2);
    }

    @Test
    void asManyAsTheQuotaAllowsBetweenMinAndMax() {
        region.node("n1", 64, 65_536);
        admin.put("/os-quota-sets/q0", "{'quota_set': {'instances': 3}}");
        Answer answer =
                region.compute("q0")
                        .post(
                                "/servers",
                                ("{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '42',"
                                                + " 'min_count': 2, 'max_count': 9}}")
                                        .formatted(Region.IMAGE));
        assertThat(answer.status()).isEqualTo(202);
        JsonNode servers =
                region.compute("q0").get("/servers?sort_key=display_name&sort_dir=asc").json();
        assertThat(servers.path("servers").valueStream().map(s -> s.path("name").stringValue()))
                .containsExactly("a-1", "a-2", "a-3");
    }
}
