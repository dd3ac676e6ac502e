package dev.iod.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Service;
import dev.iod.rest.Dialect;
import dev.iod.rest.testing.HttpCaller;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdentityApiTest {
    private TestRegion region;

    @BeforeAll
    void start() {
        region =
                new TestRegion(
                        database ->
                                List.of(
                                        listed("compute", "/v2.1"),
                                        listed("network", ""),
                                        listed("image", "")));
    }

    private static Service listed(String type, String version) {
        return Service.listed(type, type, "/" + type, version, Dialect.PLAIN, List.of()).build();
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void aTokenSaysWhoItIsForAndWhereTheServicesAre() {
        HttpCaller.Answer answer = region.tryLogin("admin", TestRegion.ADMIN_PASSWORD, "admin");
        JsonNode token = answer.json().path("token");
        assertThat(token.at("/user/name").stringValue()).isEqualTo("admin");
        assertThat(token.at("/project/domain/id").stringValue()).isEqualTo("default");
        assertThat(token.path("roles").values())
                .extracting(role -> role.path("name").stringValue())
                .containsExactly("admin", "member", "reader");
        assertThat(token.path("catalog").values())
                .extracting(service -> service.path("type").stringValue())
                .containsExactly("identity", "compute", "network", "image");
        String text = answer.headers().firstValue("X-Subject-Token").orElseThrow();
        assertThat(text.length()).isLessThan(200);
        HttpCaller.Answer shown =
                new HttpCaller(region.url(), text)
                        .get("/identity/v3/auth/tokens", "X-Subject-Token", text);
        assertThat(shown.status()).isEqualTo(200);
        assertThat(shown.json().at("/token/audit_ids/0")).isEqualTo(token.at("/audit_ids/0"));
    }

    @Test
    void wrongPasswordUserOrProjectLookTheSame() {
        for (HttpCaller.Answer answer :
                List.of(
                        region.tryLogin("admin", "wrong", "admin"),
                        region.tryLogin("nobody", TestRegion.ADMIN_PASSWORD, "admin"),
                        region.tryLogin("admin", TestRegion.ADMIN_PASSWORD, "nothing"))) {
            assertThat(answer.status()).isEqualTo(401);
            assertThat(answer.json().at("/error/message").stringValue())
                    .isEqualTo("The request you have made requires authentication.");
        }
    }

    @Test
    void forgedAndForeignTokensAreRefused() {
        String text =
                region.tryLogin("admin", TestRegion.ADMIN_PASSWORD, "admin")
                        .headers()
                        .firstValue("X-Subject-Token")
                        .orElseThrow();
        for (int i = 0; i < text.length(); i += 7) {
            char other = text.charAt(i) == 'A' ? 'B' : 'A';
            String forged = text.substring(0, i) + other + text.substring(i + 1);
            assertThat(new HttpCaller(region.url(), forged).get("/identity/v3/projects").status())
                    .as("character " + i)
                    .isEqualTo(401);
        }
        assertThat(new HttpCaller(region.url(), "").get("/identity/v3/projects").status())
                .isEqualTo(401);
    }

    @Test
    void aRevokedTokenEnds() {
        HttpCaller admin = region.admin();
        String text =
                region.tryLogin("admin", TestRegion.ADMIN_PASSWORD, "admin")
                        .headers()
                        .firstValue("X-Subject-Token")
                        .orElseThrow();
        HttpCaller holder = new HttpCaller(region.url(), text);
        assertThat(holder.get("/identity/v3/projects").status()).isEqualTo(200);
        assertThat(admin.delete("/identity/v3/auth/tokens", "X-Subject-Token", text).status())
                .isEqualTo(204);
        assertThat(holder.get("/identity/v3/projects").status()).isEqualTo(401);
        assertThat(admin.get("/identity/v3/auth/tokens", "X-Subject-Token", text).status())
                .isEqualTo(404);
    }

    @Test
    void whenTooManyAreRevokedAllTokensOfTheUserEnd() {
        region.member("flood");
        HttpCaller first = region.login("flood", "pw-flood", "flood");
        HttpCaller second = region.login("flood", "pw-flood", "flood");
        HttpCaller admin = region.admin();
        region.database()
                .run(
                        handle ->
                                handle.execute(
                                        "INSERT INTO revoked_token SELECT i::text, now() + interval"
                                                + " '1 h' FROM generate_series(1, ?) i",
                                        TokenService.MAX_REVOKED));
        try {
            assertThat(
                            admin.delete(
                                            "/identity/v3/auth/tokens",
                                            "X-Subject-Token",
                                            first.token())
                                    .status())
                    .isEqualTo(204);
            assertThat(first.get("/identity/v3/auth/projects").status()).isEqualTo(401);
            assertThat(second.get("/identity/v3/auth/projects").status()).isEqualTo(401);
            assertThat(admin.get("/identity/v3/auth/projects").status()).isEqualTo(200);
            assertThat(region.tryLogin("flood", "pw-flood", "flood").status()).isEqualTo(201);
        } finally {
            region.database().run(handle -> handle.execute("DELETE FROM revoked_token"));
        }
    }

    @Test
    void anUnscopedTokenCanBecomeAScopedOne() {
        region.member("roamer");
        HttpCaller nobody = new HttpCaller(region.url(), "");
        HttpCaller.Answer unscoped =
                nobody.post(
                        "/identity/v3/auth/tokens",
                        "{'auth':{'identity':{'methods':['password'],'password':{'user':{'name':'roamer',"
                                + "'domain':{'name':'Default'},'password':'pw-roamer'}}},'scope':'unscoped'}}");
        assertThat(unscoped.status()).isEqualTo(201);
        assertThat(unscoped.json().path("token").has("project")).isFalse();
        String text = unscoped.headers().firstValue("X-Subject-Token").orElseThrow();
        String rescope =
                "{'auth':{'identity':{'methods':['token'],'token':{'id':'%s'}},"
                        + "'scope':{'project':{'name':'%s','domain':{'id':'default'}}}}}";
        HttpCaller.Answer scoped =
                nobody.post("/identity/v3/auth/tokens", rescope.formatted(text, "roamer"));
        assertThat(scoped.json().at("/token/project/name").stringValue()).isEqualTo("roamer");
        assertThat(
                        nobody.post("/identity/v3/auth/tokens", rescope.formatted(text, "admin"))
                                .status())
                .isEqualTo(401);
    }

    @Test
    void losingTheLastRoleEndsTheScope() {
        HttpCaller member = region.member("leaver");
        String user = userId(member);
        String project = projectId(member);
        HttpCaller admin = region.admin();
        String role =
                admin.get("/identity/v3/roles?name=member").json().at("/roles/0/id").stringValue();
        String grant = "/identity/v3/projects/" + project + "/users/" + user + "/roles/" + role;
        assertThat(member.get("/identity/v3/projects/" + project).status()).isEqualTo(200);
        assertThat(admin.send("HEAD", grant, "").status()).isEqualTo(204);
        assertThat(admin.delete(grant).status()).isEqualTo(204);
        assertThat(admin.delete(grant).status()).isEqualTo(404);
        assertThat(member.get("/identity/v3/projects/" + project).status()).isEqualTo(401);
    }

    @Test
    void membersSeeOnlyThemselves() {
        HttpCaller member = region.member("curious");
        assertThat(member.get("/identity/v3/users/" + userId(member)).status()).isEqualTo(200);
        assertThat(member.get("/identity/v3/users/" + userId(region.admin())).status())
                .isEqualTo(403);
        HttpCaller.Answer list = member.get("/identity/v3/projects");
        assertThat(list.status()).isEqualTo(403);
        assertThat(list.json().at("/error/message").stringValue())
                .isEqualTo(
                        "You are not authorized to perform the requested action:"
                                + " identity:list_projects.");
        assertThat(member.post("/identity/v3/users", "{'user':{'name':'x'}}").status())
                .isEqualTo(403);
        assertThat(member.get("/identity/v3/auth/projects").json().path("projects").size())
                .isEqualTo(1);
    }

    @Test
    void aNewPasswordEndsOldTokensAndNeedsTheOldPassword() {
        HttpCaller member = region.member("changer");
        String path = "/identity/v3/users/" + userId(member) + "/password";
        assertThat(
                        member.post(path, "{'user':{'password':'new','original_password':'wrong'}}")
                                .status())
                .isEqualTo(401);
        assertThat(
                        member.post(
                                        path,
                                        "{'user':{'password':'new','original_password':'pw-changer'}}")
                                .status())
                .isEqualTo(204);
        assertThat(member.get("/identity/v3/auth/projects").status()).isEqualTo(401);
        assertThat(region.tryLogin("changer", "pw-changer", "changer").status()).isEqualTo(401);
        assertThat(region.tryLogin("changer", "new", "changer").status()).isEqualTo(201);
    }

    @Test
    void disablingEndsTokensForGood() {
        HttpCaller admin = region.admin();
        HttpCaller member = region.member("paused");
        List<String> rows =
                List.of(
                        "/identity/v3/users/" + userId(member),
                        "/identity/v3/projects/" + projectId(member));
        for (String row : rows) {
            String kind = row.contains("users") ? "user" : "project";
            for (boolean enabled : List.of(false, true)) {
                String body = "{\"%s\":{\"enabled\":%s}}".formatted(kind, enabled);
                assertThat(admin.send("PATCH", row, body).status()).isEqualTo(200);
                assertThat(member.get("/identity/v3/auth/projects").status())
                        .as("%s, enabled %s", kind, enabled)
                        .isEqualTo(401);
            }
            member = region.login("paused", "pw-paused", "paused");
            assertThat(member.get("/identity/v3/auth/projects").status()).isEqualTo(200);
        }
    }

    @Test
    void namesAreFoundByTheirParts() {
        HttpCaller admin = region.admin();
        for (String name : List.of("Web-1", "web_2", "db%1")) {
            admin.post("/identity/v3/users", "{'user':{'name':'" + name + "'}}");
        }
        assertThat(users(admin, "name__startswith=web")).containsExactly("web_2");
        assertThat(users(admin, "name__istartswith=web")).containsExactly("Web-1", "web_2");
        assertThat(users(admin, "name__endswith=1")).containsExactly("Web-1", "db%1");
        assertThat(users(admin, "name__contains=b_")).containsExactly("web_2");
        assertThat(users(admin, "name__contains=%25")).containsExactly("db%1");
        assertThat(users(admin, "name__icontains=B-&name__contains=W")).containsExactly("Web-1");
        assertThat(users(admin, "name__contains=%5C")).isEmpty();
        assertThat(admin.get("/identity/v3/projects?is_domain=true").json().path("projects").size())
                .isZero();
        assertThat(
                        admin.get("/identity/v3/projects?parent_id=other")
                                .json()
                                .path("projects")
                                .size())
                .isZero();
    }

    @Test
    void rolesThatRulesNameAreImmutable() {
        HttpCaller admin = region.admin();
        HttpCaller member = region.member("steady");
        for (String name : List.of("admin", "member", "reader")) {
            JsonNode role = admin.get("/identity/v3/roles?name=" + name).json().at("/roles/0");
            assertThat(role.at("/options/immutable").asBoolean()).as(name).isTrue();
            String id = role.path("id").stringValue();
            String path = "/identity/v3/roles/" + id;
            for (String change : List.of("\"name\":\"boss\"", "\"description\":\"x\"", "")) {
                HttpCaller.Answer refused =
                        admin.send("PATCH", path, "{\"role\":{" + change + "}}");
                assertThat(refused.status()).as(name + " " + change).isEqualTo(403);
                assertThat(refused.json().at("/error/message").stringValue())
                        .isEqualTo("Unable to update immutable role resource: `" + id + "`.");
            }
            HttpCaller.Answer kept = admin.delete(path);
            assertThat(kept.status()).as(name).isEqualTo(403);
            assertThat(kept.json().at("/error/message").stringValue())
                    .isEqualTo("Unable to delete immutable role resource: `" + id + "`.");
            assertThat(admin.get(path).json().path("role")).isEqualTo(role);
        }
        assertThat(member.get("/identity/v3/auth/projects").status()).isEqualTo(200);
        HttpCaller.Answer own = admin.post("/identity/v3/roles", "{'role':{'name':'auditor'}}");
        assertThat(own.json().at("/role/options").size()).isZero();
        String path = "/identity/v3/roles/" + own.json().at("/role/id").stringValue();
        assertThat(admin.send("PATCH", path, "{\"role\":{\"name\":\"boss\"}}").status())
                .isEqualTo(200);
        assertThat(admin.delete(path).status()).isEqualTo(204);
    }

    private static List<String> users(HttpCaller admin, String query) {
        List<String> names = new ArrayList<>();
        admin.get("/identity/v3/users?" + query)
                .json()
                .path("users")
                .forEach(user -> names.add(user.path("name").stringValue()));
        return names;
    }

    @Test
    void namesAreUniqueAndBodiesStrict() {
        HttpCaller admin = region.admin();
        assertThat(admin.post("/identity/v3/projects", "{'project':{'name':'admin'}}").status())
                .isEqualTo(409);
        assertThat(admin.post("/identity/v3/users", "{'user':{'name':'admin'}}").status())
                .isEqualTo(409);
        assertThat(admin.post("/identity/v3/roles", "{'role':{'name':'admin'}}").status())
                .isEqualTo(409);
        assertThat(admin.post("/identity/v3/projects", "{'project':{'name':''}}").status())
                .isEqualTo(400);
        assertThat(admin.post("/identity/v3/projects", "{'project':{'name':'a','b':1}}").status())
                .isEqualTo(400);
        assertThat(admin.post("/identity/v3/auth/tokens", "{'auth':{}}").status()).isEqualTo(400);
        assertThat(admin.get("/identity/v3/projects/nothing").status()).isEqualTo(404);
        assertThat(admin.get("/identity/v3/projects?name=nothing").json().path("projects").size())
                .isZero();
    }

    @Test
    void listsPage() {
        HttpCaller admin = region.admin();
        for (String name : List.of("p-a", "p-b", "p-c")) {
            admin.post("/identity/v3/projects", "{'project':{'name':'" + name + "'}}");
        }
        JsonNode first = admin.get("/identity/v3/projects?limit=2").json();
        assertThat(first.path("projects").size()).isEqualTo(2);
        String next = first.at("/links/next").stringValue();
        assertThat(next).startsWith(region.url());
        JsonNode second = admin.get(next.substring(region.url().length())).json();
        assertThat(second.at("/projects/0/id")).isNotEqualTo(first.at("/projects/1/id"));
    }

    private String userId(HttpCaller caller) {
        JsonNode list = caller.get("/identity/v3/auth/projects").json();
        assertThat(list.path("projects").size()).isPositive();
        return region.admin()
                .get("/identity/v3/role_assignments?scope.project.id=" + projectId(caller))
                .json()
                .at("/role_assignments/0/user/id")
                .stringValue();
    }

    private static String projectId(HttpCaller caller) {
        return caller.get("/identity/v3/auth/projects").json().at("/projects/0/id").stringValue();
    }
}
