package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Filters that would cost others their share. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ComputeBoundsTest {
    private final Region region = new Region();
    private HttpCaller member;

    @BeforeAll
    void start() {
        region.node("n1", 8, 8192);
        member = region.compute("p1");
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void aPatternThatTakesForEverDoesNotReachTheDatabase() throws Exception {
        String pattern = "(.+)".repeat(40) + "\\3\\2\\1";
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<HttpCaller.Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                answers.add(threads.submit(() -> member.get("/servers?name=" + escaped(pattern))));
            }
            for (Future<HttpCaller.Answer> answer : answers) {
                assertThat(answer.get().status()).isEqualTo(400);
                assertThat(answer.get().json().at("/badRequest/message").stringValue())
                        .contains("'regex'", "sets such as [a-z0-9]");
            }
        }
    }

    @Test
    void ordinaryPatternsMatch() {
        for (String name : List.of("web-1", "web-2", "db-1")) {
            assertThat(
                            member.post(
                                            "/servers",
                                            "{'server': {'name': '%s', 'imageRef': '%s', 'flavorRef': '42'}}"
                                                    .formatted(name, Region.IMAGE))
                                    .status())
                    .isEqualTo(202);
        }
        assertThat(names("web")).containsExactlyInAnyOrder("web-1", "web-2");
        assertThat(names("^web-1$")).containsExactly("web-1");
        assertThat(names("w.b.*")).hasSize(2);
        assertThat(names("-1|web")).hasSize(3);
        assertThat(names("^[a-d]+-[0-9]")).containsExactly("db-1");
        assertThat(names("web\\-1")).containsExactly("web-1");
        assertThat(names("^eb-1?$")).isEmpty();
    }

    private List<String> names(String pattern) {
        HttpCaller.Answer answer = member.get("/servers?name=" + escaped(pattern));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.json().path("servers").values().stream()
                .map(server -> server.path("name").stringValue())
                .toList();
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
