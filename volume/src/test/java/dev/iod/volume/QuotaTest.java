package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Quotas and room, also under requests at the same time. */
class QuotaTest {
    private static final int REQUESTS = 24;
    private static final int THREADS = 8;

    private Region region;
    private HttpCaller owner;
    private HttpCaller admin;

    @BeforeEach
    void start() {
        region = new Region();
        owner = region.volume("p");
        admin = region.volume("p0:admin");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private static List<Answer> together(List<Callable<Answer>> calls) throws Exception {
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (Future<Answer> future : threads.invokeAll(calls)) {
                answers.add(future.get());
            }
        }
        return answers;
    }

    private Answer create(HttpCaller caller, int gib) {
        return caller.post("/volumes", "{'volume': {'size': %d}}".formatted(gib));
    }

    private long sum(String sql) {
        return region.database.read(handle -> handle.createQuery(sql).mapTo(Long.class).one());
    }

    private static long count(List<Answer> answers, int status) {
        return answers.stream().filter(answer -> answer.status() == status).count();
    }

    @Test
    void theBoundsOfTheQuotas() {
        region.node("n1", 1000);
        admin.put("/os-quota-sets/p", "{'quota_set': {'volumes': 2, 'gigabytes': 10}}");
        assertThat(create(owner, 4).status()).isEqualTo(202);
        Answer tooLarge = create(owner, 7);
        assertThat(tooLarge.status()).isEqualTo(413);
        assertThat(tooLarge.headers().firstValue("Retry-After")).hasValue("0");
        JsonNode fault = tooLarge.json().path("overLimit");
        assertThat(fault.path("message").stringValue())
                .isEqualTo(
                        "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds"
                                + " allowed gigabytes quota. Requested 7G, quota is 10G and 4G has"
                                + " been consumed.");
        assertThat(fault.path("retryAfter").stringValue()).isEqualTo("0");
        assertThat(create(owner, 6).status()).isEqualTo(202);
        assertThat(create(owner, 1).json().at("/overLimit/message").stringValue())
                .isEqualTo(
                        "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for"
                                + " quota 'volumes'.");
        JsonNode usage = owner.get("/os-quota-sets/p?usage=true").json().path("quota_set");
        assertThat(usage.at("/gigabytes/in_use").longValue()).isEqualTo(10);
        assertThat(usage.at("/volumes/limit").longValue()).isEqualTo(2);
        JsonNode limits = owner.get("/limits").json().at("/limits/absolute");
        assertThat(limits.path("totalVolumesUsed").longValue()).isEqualTo(2);
        assertThat(limits.path("maxTotalVolumeGigabytes").longValue()).isEqualTo(10);
        admin.put("/os-quota-sets/p", "{'quota_set': {'per_volume_gigabytes': 3}}");
        assertThat(create(owner, 4).json().at("/overLimit/message").stringValue())
                .isEqualTo(
                        "VolumeSizeExceedsLimit: Requested volume size 4G is larger than maximum"
                                + " allowed limit 3G.");
        assertThat(owner.get("/os-quota-sets/q").status()).isEqualTo(403);
        assertThat(admin.delete("/os-quota-sets/p").status()).isEqualTo(200);
        assertThat(owner.get("/os-quota-sets/p").json().at("/quota_set/volumes").longValue())
                .isEqualTo(10);
        assertThat(
                        owner.get("/os-quota-sets/p/defaults")
                                .json()
                                .at("/quota_set/gigabytes")
                                .longValue())
                .isEqualTo(1000);
    }

    @Test
    void requestsTogetherDoNotPassTheQuota() throws Exception {
        region.node("n1", 1000);
        admin.put("/os-quota-sets/p", "{'quota_set': {'volumes': 7, 'gigabytes': 1000}}");
        List<Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            calls.add(() -> create(owner, 1));
        }
        List<Answer> answers = together(calls);
        assertThat(count(answers, 202)).isEqualTo(7);
        assertThat(count(answers, 413)).isEqualTo(REQUESTS - 7);
        assertThat(sum("SELECT count(*) FROM volume")).isEqualTo(7);
    }

    @Test
    void growthTogetherDoesNotPassTheQuota() throws Exception {
        FakePool node = region.node("n1", 1000);
        admin.put("/os-quota-sets/p", "{'quota_set': {'volumes': 8, 'gigabytes': 20}}");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            ids.add(create(owner, 1).json().at("/volume/id").stringValue());
        }
        node.sync();
        List<Callable<Answer>> calls = new ArrayList<>();
        for (String id : ids) {
            calls.add(
                    () ->
                            owner.post(
                                    "/volumes/" + id + "/action",
                                    "{'os-extend': {'new_size': 4}}"));
        }
        List<Answer> answers = together(calls);
        assertThat(count(answers, 202)).isEqualTo(4);
        assertThat(count(answers, 413)).isEqualTo(4);
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(20 * 1024);
        assertThat(sum("SELECT sum(target_gib) FROM volume")).isEqualTo(20);
    }

    @Test
    void requestsTogetherDoNotTakeMoreThanThePoolsHave() throws Exception {
        region.node("n1", 5);
        region.node("n2", 4);
        List<Callable<Answer>> calls = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            HttpCaller caller = region.volume("p" + i);
            calls.add(() -> create(caller, 1));
        }
        assertThat(count(together(calls), 202)).isEqualTo(REQUESTS);
        assertThat(sum("SELECT count(*) FROM volume WHERE node = 'n1'")).isEqualTo(5);
        assertThat(sum("SELECT count(*) FROM volume WHERE node = 'n2'")).isEqualTo(4);
        assertThat(sum("SELECT count(*) FROM volume WHERE status = 'error'"))
                .isEqualTo(REQUESTS - 9);
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(9 * 1024);
    }
}
