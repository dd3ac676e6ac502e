package dev.iod.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.rest.testing.HttpCaller;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** What a login costs and what its token says of it; names that are none. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokenCostTest {
    private TestRegion region;

    @BeforeAll
    void start() {
        region = new TestRegion(database -> List.of());
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void manyLoginsOfOneUserCostOneHash() {
        region.admin();
        long before = Passwords.hashes();
        for (int i = 0; i < 20; i++) {
            region.admin();
        }
        assertThat(Passwords.hashes()).isEqualTo(before);
        assertThat(region.tryLogin("admin", "wrong", "admin").status()).isEqualTo(401);
        assertThat(Passwords.hashes()).isEqualTo(before + 1);
    }

    @Test
    void aChangedPasswordEndsTheOldOneAtOnce() {
        HttpCaller admin = region.admin();
        HttpCaller carol = region.member("carol");
        String id =
                admin.get("/identity/v3/users?name=carol").json().at("/users/0/id").stringValue();
        assertThat(region.tryLogin("carol", "pw-carol", "carol").status()).isEqualTo(201);
        assertThat(
                        carol.post(
                                        "/identity/v3/users/" + id + "/password",
                                        "{'user':{'original_password':'pw-carol','password':'new'}}")
                                .status())
                .isEqualTo(204);
        assertThat(region.tryLogin("carol", "pw-carol", "carol").status()).isEqualTo(401);
        assertThat(region.tryLogin("carol", "new", "carol").status()).isEqualTo(201);
        assertThat(
                        admin.send(
                                        "PATCH",
                                        "/identity/v3/users/" + id,
                                        "{\"user\":{\"enabled\":false}}")
                                .status())
                .isEqualTo(200);
        assertThat(region.tryLogin("carol", "new", "carol").status()).isEqualTo(401);
    }

    @Test
    void aTokenSaysHowItWasHad() {
        HttpCaller.Answer login = region.tryLogin("admin", TestRegion.ADMIN_PASSWORD, "admin");
        assertThat(methods(login)).containsExactly("password");
        HttpCaller first = new HttpCaller(region.url(), subject(login));
        assertThat(methods(shown(first, first.token()))).containsExactly("password");
        HttpCaller.Answer exchanged =
                first.post(
                        "/identity/v3/auth/tokens",
                        "{'auth':{'identity':{'methods':['token'],'token':{'id':'%s'}},'scope':{'project':{'name':'admin','domain':{'id':'default'}}}}}"
                                .formatted(first.token()));
        assertThat(exchanged.status()).isEqualTo(201);
        assertThat(methods(exchanged)).containsExactly("password", "token");
        assertThat(methods(shown(first, subject(exchanged)))).containsExactly("password", "token");
        // An exchange is no way to live for ever.
        assertThat(exchanged.json().at("/token/expires_at"))
                .isEqualTo(login.json().at("/token/expires_at"));
    }

    @Test
    void aBlankNameIsNone() {
        HttpCaller admin = region.admin();
        for (String kind : List.of("user", "project", "role")) {
            String path = "/identity/v3/" + kind + "s";
            for (String name : List.of("", " ", "  ", "\\t")) {
                String body = "{'%s':{'name':'%s'}}".formatted(kind, name);
                assertThat(admin.post(path, body).status()).as(body).isEqualTo(400);
            }
            JsonNode made = admin.post(path, "{'%s':{'name':'x-%s'}}".formatted(kind, kind)).json();
            assertThat(
                            admin.send(
                                            "PATCH",
                                            path + "/" + made.path(kind).path("id").stringValue(),
                                            "{\"%s\":{\"name\":\" \"}}".formatted(kind))
                                    .status())
                    .isEqualTo(400);
        }
    }

    private static List<String> methods(HttpCaller.Answer answer) {
        return answer.json().at("/token/methods").values().stream()
                .map(JsonNode::stringValue)
                .toList();
    }

    private static HttpCaller.Answer shown(HttpCaller caller, String token) {
        return caller.get("/identity/v3/auth/tokens", "X-Subject-Token", token);
    }

    private static String subject(HttpCaller.Answer answer) {
        return answer.headers().firstValue("X-Subject-Token").orElseThrow();
    }
}
