package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Goal;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Passwords of servers: who sees the text, who the hash. */
class AdminPasswordTest {
    private Region region;
    private FakeNode node;
    private HttpCaller member;

    @BeforeEach
    void start() {
        region = new Region();
        node = region.node("n1", 8, 8192);
        member = region.compute("p1");
        region.network("p1", "10.9.0.0/24");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private Answer create(String more) {
        return member.post(
                "/servers",
                "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '42'%s}}"
                        .formatted(Region.IMAGE, more));
    }

    private JsonNode created(String more) {
        Answer answer = create(more);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().path("server");
    }

    private List<String> hashes() {
        return node.goal().getServersList().stream()
                .map(server -> server.getMetadata().getPasswordHash())
                .toList();
    }

    /** What another program makes of the same password and salt. */
    private static String openssl(String password, String hash)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                "openssl", "passwd", "-6", "-stdin", "-salt", hash.split("\\$")[2])
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (var input = process.getOutputStream()) {
            input.write((password + "\n").getBytes(StandardCharsets.UTF_8));
        }
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return answer.strip();
    }

    @Test
    void onlyTheAnswerSaysThePasswordAndOnlyTheNodeTheHash() throws Exception {
        JsonNode server = created("");
        String password = server.path("adminPass").stringValue();
        assertThat(password).matches("[2-9A-HJ-NP-Za-km-z]{12}");
        String hash = hashes().getFirst();
        assertThat(hash).startsWith("$6$").isEqualTo(openssl(password, hash));
        node.sync();
        String path = "/servers/" + server.path("id").stringValue();
        for (HttpCaller caller : List.of(member, region.compute("p0:admin"))) {
            for (String read :
                    List.of(path, "/servers/detail?all_tenants=1", path + "/os-instance-actions")) {
                if (caller == member && read.contains("all_tenants")) {
                    continue;
                }
                for (int minor : List.of(1, 90)) {
                    assertThat(caller.get(read, Region.version(minor)).text())
                            .contains(server.path("id").stringValue())
                            .doesNotContain("adminPass", password, hash);
                }
            }
        }
        Answer updated = member.put(path, "{'server': {'name': 'b'}}");
        assertThat(updated.text()).doesNotContain("adminPass", password, hash);
        List<String> kept =
                region.database.read(
                        handle ->
                                handle.createQuery(
                                                "SELECT CAST(s AS text) FROM server s UNION ALL"
                                                        + " SELECT CAST(a AS text) FROM"
                                                        + " instance_action a")
                                        .mapTo(String.class)
                                        .list());
        assertThat(String.join("\n", kept)).contains(hash).doesNotContain(password);
    }

    @Test
    void whatTheUserGivesIsTaken() throws Exception {
        for (String password :
                List.of(
                        "secret",
                        "p\u00e4ss w\u00f6rd: 'x'",
                        "$6$a$b",
                        "x".repeat(255),
                        "\u20ac".repeat(85))) {
            String quoted = password.replace("'", "\\u0027");
            assertThat(
                            created(", 'adminPass': '%s'".formatted(quoted))
                                    .path("adminPass")
                                    .stringValue())
                    .isEqualTo(password);
            assertThat(hashes().getLast()).isEqualTo(openssl(password, hashes().getLast()));
        }
    }

    /** As in Nova: the answer repeats it, and nothing is set. */
    @Test
    void anEmptyOneSetsNone() {
        assertThat(created(", 'adminPass': ''").path("adminPass").stringValue()).isEmpty();
        assertThat(hashes()).containsExactly("");
    }

    @Test
    void whatIsNoPasswordIsRefused() {
        for (String bad :
                List.of(
                        "7",
                        "null",
                        "['a']",
                        "'" + "x".repeat(256) + "'",
                        "'" + "\u20ac".repeat(86) + "'")) {
            Answer answer = create(", 'adminPass': " + bad);
            assertThat(answer.status()).as(bad).isEqualTo(400);
            assertThat(answer.text()).contains("Invalid input for field/attribute adminPass");
        }
        assertThat(node.goal()).returns(0, Goal::getServersCount);
    }

    @Test
    void serversOfOneRequestShareIt() {
        assertThat(created(", 'min_count': 3").path("adminPass").stringValue()).hasSize(12);
        assertThat(hashes()).hasSize(3);
        assertThat(new HashSet<>(hashes())).hasSize(1);
        created("");
        assertThat(new HashSet<>(hashes())).hasSize(2);
    }

    @Test
    void aReservationIdIsAnsweredAlone() {
        Answer answer = create(", 'return_reservation_id': true");
        assertThat(answer.json().propertyNames()).containsExactly("reservation_id");
    }

    @Test
    void thoseMadeHereDifferAndHaveAllKindsOfCharacters() {
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            AdminPassword password = AdminPassword.of(Optional.empty());
            assertThat(password.text())
                    .matches(".*[2-9].*")
                    .matches(".*[A-Z].*")
                    .matches(".*[a-z].*");
            assertThat(seen.add(password.text())).isTrue();
            assertThat(password.toString()).doesNotContain(password.text(), "$6$");
        }
    }
}
