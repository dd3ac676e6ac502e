package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.node.ObjectNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApiServerTest {
    private ApiServer server;

    private HttpCaller member;

    @BeforeAll
    void start() {
        Api compute =
                new Api(
                        "/compute",
                        ApiServerTest::error,
                        new Microversions(
                                "compute",
                                "X-OpenStack-Nova-API-Version",
                                new Microversion(2, 1),
                                new Microversion(2, 90)),
                        List.of(
                                Route.get("/v2.1/things/{id}", ApiServerTest::show)
                                        .may(Rule.READER),
                                Route.get("/v2.1/things/detail", ignored -> Response.empty(204))
                                        .may(Rule.READER),
                                Route.post("/v2.1/things", ApiServerTest::create).may(Rule.MEMBER),
                                Route.get("/v2.1/secret", ignored -> Response.empty(204))
                                        .may(Rule.ADMIN),
                                Route.get("/v2.1/broken", ignored -> broken()).may(Rule.READER)));
        server =
                ApiServer.start(
                        InetAddress.getLoopbackAddress(),
                        0,
                        List.of(compute),
                        new FixedTokens(),
                        failure -> Optional.empty(),
                        ServerLimits.standard());
        member = new HttpCaller("http://127.0.0.1:" + server.port() + "/compute/v2.1", "p1");
    }

    /** A service's own form: a key that follows the status. */
    static Response error(ApiException error) {
        String key =
                switch (error.fault()) {
                    case BAD_REQUEST -> "badRequest";
                    case FORBIDDEN -> "forbidden";
                    case NOT_FOUND -> "itemNotFound";
                    default -> "fault";
                };
        ObjectNode root = Json.object();
        root.putObject(key).put("code", error.fault().status()).put("message", error.detail());
        return Response.json(error.fault().status(), root);
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void routesAndParameters() {
        assertThat(member.get("/things/a%20b").json().path("id").stringValue()).isEqualTo("a b");
        assertThat(member.get("/things/detail").status()).isEqualTo(204);
        assertThat(member.get("/things/detail/").status()).isEqualTo(204);
        HttpCaller.Answer head = member.send("HEAD", "/things/x", "");
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.text()).isEmpty();
    }

    @Test
    void errorsHaveTheServicesForm() {
        HttpCaller.Answer missing = member.get("/nothing");
        assertThat(missing.status()).isEqualTo(404);
        assertThat(missing.json().path("itemNotFound").path("code").intValue()).isEqualTo(404);
        HttpCaller.Answer method = member.delete("/things/x");
        assertThat(method.status()).isEqualTo(405);
        assertThat(method.headers().firstValue("Allow")).contains("GET");
        HttpCaller.Answer broken = member.get("/broken");
        assertThat(broken.status()).isEqualTo(500);
        assertThat(broken.text()).doesNotContain("secret detail").contains("req-");
        HttpCaller.Answer forbidden = member.get("/secret");
        assertThat(forbidden.status()).isEqualTo(403);
        assertThat(forbidden.json().has("forbidden")).isTrue();
    }

    @Test
    void aBadTokenGets401AsKeystonemiddlewareWordsIt() {
        HttpCaller.Answer answer =
                new HttpCaller("http://127.0.0.1:" + server.port() + "/compute/v2.1", "bad")
                        .get("/things/x");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.json().path("error").path("code").intValue()).isEqualTo(401);
        assertThat(answer.headers().firstValue("WWW-Authenticate")).isPresent();
    }

    @Test
    void aTakenPortIsAnError() {
        assertThatThrownBy(
                        () ->
                                ApiServer.start(
                                        InetAddress.getLoopbackAddress(),
                                        server.port(),
                                        List.of(),
                                        new FixedTokens(),
                                        failure -> Optional.empty(),
                                        ServerLimits.standard()))
                .hasMessageContaining("cannot listen");
    }

    @Test
    void bodiesAreStrict() {
        assertThat(member.post("/things", "{'thing': {'name': 'x'}}").status()).isEqualTo(202);
        for (String bad :
                List.of(
                        "{'thing': {'name': 'x', 'more': 1}}",
                        "{'thing': {'name': 'x'}, 'more': 1}",
                        "{'thing': {'name': 7}}",
                        "{'thing': {}}",
                        "{'thing': []}",
                        "{'thing': {'name': 'x', 'name': 'y'}}",
                        "[]",
                        "7",
                        "{",
                        "{'thing': {'name': 'x'}} x",
                        "[".repeat(100_000))) {
            HttpCaller.Answer answer = member.post("/things", bad);
            assertThat(answer.status())
                    .as(bad.substring(0, Math.min(bad.length(), 80)))
                    .isEqualTo(400);
            assertThat(answer.json().has("badRequest")).isTrue();
        }
        String large = "{'thing': {'name': '" + "x".repeat(Request.JSON_LIMIT_BYTES) + "'}}";
        assertThat(member.post("/things", large).status()).isEqualTo(413);
    }

    @Test
    void microversionsAreNegotiated() {
        HttpCaller.Answer old = member.get("/things/x");
        assertThat(old.json().path("version").stringValue()).isEqualTo("2.1");
        assertThat(old.headers().firstValue("OpenStack-API-Version")).contains("compute 2.1");
        assertThat(version("OpenStack-API-Version", "volume 3.1, compute 2.61")).isEqualTo("2.61");
        assertThat(version("X-OpenStack-Nova-API-Version", "2.19")).isEqualTo("2.19");
        assertThat(version("OpenStack-API-Version", "compute latest")).isEqualTo("2.90");
        assertThat(member.get("/things/x", "OpenStack-API-Version", "compute 2.91").status())
                .isEqualTo(406);
        assertThat(member.get("/things/x", "OpenStack-API-Version", "compute 2.x").status())
                .isEqualTo(400);
    }

    private String version(String header, String value) {
        return member.get("/things/x", header, value).json().path("version").stringValue();
    }

    private static Response show(Request request) {
        return Response.ok(
                Json.object()
                        .put("id", request.pathParameter("id"))
                        .put("version", request.microversion().toString()));
    }

    private static Response create(Request request) {
        Fields thing = request.body("thing");
        thing.string("name", 1, 2_000_000);
        thing.end();
        return Response.empty(202);
    }

    private static Response broken() {
        throw new IllegalStateException("secret detail");
    }
}
