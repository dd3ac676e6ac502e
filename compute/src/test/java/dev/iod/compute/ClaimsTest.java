package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.region.AllocationRole;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.region.ResourceClass;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.UUID;
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

    /** Allocations are what the placed servers need, and stay within each node. */
    private long placed() {
        return region.database.read(
                handle -> {
                    long wrong =
                            handle.createQuery(
                                            """
                                            SELECT count(*) FROM resource_provider p
                                            JOIN inventory i ON i.provider_id = p.id
                                            CROSS JOIN LATERAL (
                                                SELECT coalesce(sum(used), 0) AS used
                                                FROM allocation a
                                                WHERE a.provider_id = p.id
                                                  AND a.resource_class = i.resource_class) taken
                                            CROSS JOIN LATERAL (
                                                SELECT coalesce(sum(CASE i.resource_class
                                                    WHEN 'VCPU' THEN vcpus
                                                    WHEN 'MEMORY_MB' THEN memory_mib
                                                    ELSE ceil(coalesce(root_size_bytes, 0)
                                                              / 1048576.0) END), 0) AS needed
                                                FROM server s WHERE s.node = p.name) servers
                                            WHERE used <> needed
                                               OR used > total * allocation_ratio
                                            """)
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

    /**
     * Eight clients at once, in one project and in several, with and without ports, while nodes
     * beat: they wait for each other's locks, and nobody is ever run again.
     */
    @Test
    void nothingIsRunAgainHoweverManyCreate() throws Exception {
        region.node("n1", 64, 40 * 512);
        region.node("n2", 64, 40 * 512);
        List<java.util.concurrent.Callable<Answer>> calls = new ArrayList<>();
        for (String project : List.of("q0", "q1", "q2", "q3")) {
            unlimited(project);
            if (!project.equals("q0")) {
                region.network(project, "10.9.0.0/24");
            }
        }
        // The quota is counted although it is never reached.
        admin.put("/os-quota-sets/q1", "{'quota_set': {'instances': 1000}}");
        for (int i = 0; i < 12 * THREADS; i++) {
            String project = "q" + i % 4;
            calls.add(() -> create(project));
        }
        AtomicBoolean done = new AtomicBoolean();
        Thread heart =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    while (!done.get()) {
                                        region.beat("n1");
                                        region.beat("n2");
                                    }
                                });
        long before = region.database.collisions();
        List<Answer> answers = together(calls);
        done.set(true);
        heart.join();
        assertThat(answers).allSatisfy(a -> assertThat(a.status()).as(a.text()).isEqualTo(202));
        assertThat(region.database.collisions() - before).as("rolled back").isZero();
        assertThat(placed()).as("as many as fit").isEqualTo(80);
    }

    /** The rows a create decides by stay as they are while nodes beat. */
    @Test
    void heartbeatsChangeNoRowThatACreateReads() {
        region.node("n1", 4, 1024);
        String rows =
                "SELECT (SELECT string_agg(ctid::text || xmin || xmax, ' ') FROM node)"
                        + " || (SELECT string_agg(ctid::text || xmin || xmax, ' ')"
                        + " FROM resource_provider)"
                        + " || (SELECT string_agg(ctid::text || xmin || xmax, ' ') FROM inventory)";
        region.beat("n1");
        String before = region.database.read(h -> h.createQuery(rows).mapTo(String.class).one());
        for (int i = 0; i < 3; i++) {
            region.beat("n1");
        }
        assertThat(region.database.<String>read(h -> h.createQuery(rows).mapTo(String.class).one()))
                .isEqualTo(before);
    }

    @Test
    void aServerCanHaveAllocationsOnTwoNodes() {
        region.node("n1", 4, 1024);
        region.node("n2", 4, 1024);
        unlimited("q0");
        String id = create("q0").json().at("/server/id").stringValue();
        UUID server = UUID.fromString(id);
        Map<ResourceClass, Long> tiny =
                Map.of(ResourceClass.VCPU, 1L, ResourceClass.MEMORY_MB, 512L);
        String to =
                region.database.read(
                        handle -> Providers.consumers(handle, "n1").contains(server) ? "n2" : "n1");
        region.database.runLocked(
                handle -> {
                    Provider target = Providers.lock(handle, List.of(to)).getFirst();
                    Providers.allocate(handle, server, AllocationRole.TARGET, target, tiny);
                });
        assertThat(region.database.<List<UUID>>read(h -> Providers.consumers(h, "n1")))
                .containsExactly(server);
        assertThat(region.database.<List<UUID>>read(h -> Providers.consumers(h, "n2")))
                .containsExactly(server);
        Provider after = provider(to);
        assertThat(after.free(ResourceClass.MEMORY_MB)).isEqualTo(512);
        assertThatThrownBy(
                        () ->
                                region.database.runLocked(
                                        handle ->
                                                Providers.allocate(
                                                        handle,
                                                        UUID.randomUUID(),
                                                        AllocationRole.ACTIVE,
                                                        after,
                                                        Map.of(ResourceClass.MEMORY_MB, 513L))))
                .hasMessageContaining("MEMORY_MB");
        region.database.runLocked(
                handle -> Providers.release(handle, server, EnumSet.of(AllocationRole.TARGET)));
        assertThat(provider(to).used()).isEmpty();
        assertThat(provider(to).generation()).isGreaterThan(after.generation());
        assertThat(placed()).as("the active ones stay").isEqualTo(1);
    }

    private Provider provider(String name) {
        return region.database.read(
                handle ->
                        Providers.all(handle).stream()
                                .filter(one -> one.name().equals(name))
                                .findFirst()
                                .orElseThrow());
    }

    /** As in Placement: one consumer gets no more vCPUs than the node has, whatever the ratio. */
    @Test
    void oneServerHasNoMoreProcessorsThanItsNode() {
        region.node("n1", 1, 65_536);
        unlimited("q0");
        Answer answer =
                region.compute("q0")
                        .post(
                                "/servers",
                                "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '3'}}"
                                        .formatted(Region.IMAGE));
        assertThat(answer.status()).isEqualTo(202);
        assertThat(
                        admin.get("/servers/detail?all_tenants=1")
                                .json()
                                .at("/servers/0/fault/message")
                                .stringValue())
                .contains("1 short of vCPUs");
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
