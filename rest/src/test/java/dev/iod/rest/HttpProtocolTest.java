package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.FixedTokens;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The listener against RFC 9110 and 9112, byte by byte. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpProtocolTest {
    private ApiServer server;

    @BeforeAll
    void start() {
        Api compute =
                new Api(
                        "/compute",
                        ApiServerTest::error,
                        Microversions.NONE,
                        List.of(
                                Route.get("/v2.1/things", HttpProtocolTest::list).may(Rule.READER),
                                Route.get("/v2.1/things/{id}", HttpProtocolTest::show)
                                        .may(Rule.READER),
                                Route.post("/v2.1/things", HttpProtocolTest::echo)
                                        .may(Rule.MEMBER)));
        server =
                ApiServer.start(
                        InetAddress.getLoopbackAddress(),
                        0,
                        List.of(compute),
                        new FixedTokens(),
                        failure -> Optional.empty(),
                        ServerLimits.standard());
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void http10IsServed() throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            client.say("GET /compute/v2.1/things/a HTTP/1.0\r\nX-Auth-Token: p\r\n\r\n");
            RawClient.Answer answer = client.answer();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers()).containsEntry("connection", "close");
            assertThat(answer.body()).contains("\"a\"").contains("http://127.0.0.1:");
            assertThat(client.ended()).isTrue();
        }
        try (RawClient client = new RawClient(server.port())) {
            for (int i = 0; i < 2; i++) {
                client.say(
                        "GET /compute/v2.1/things/a HTTP/1.0\r\nConnection: Keep-Alive\r\n"
                                + "X-Auth-Token: p\r\n\r\n");
                assertThat(client.answer().headers()).containsEntry("connection", "keep-alive");
            }
        }
    }

    @Test
    void headHasTheLengthOfGet() throws IOException {
        for (String path : List.of("/compute/v2.1/things/a", "/compute/none", "/nowhere")) {
            try (RawClient client = new RawClient(server.port())) {
                client.say(request("GET", path))
                        .say(request("HEAD", path))
                        .say(request("GET", path));
                RawClient.Answer get = client.answer();
                RawClient.Answer head = client.answer(false);
                assertThat(head.status()).isEqualTo(get.status());
                assertThat(head.headers().get("content-length"))
                        .isEqualTo(get.headers().get("content-length"))
                        .isNotEqualTo("0");
                // Nothing but the next answer follows.
                assertThat(client.answer().status()).isEqualTo(get.status());
            }
        }
    }

    @Test
    void whatABrowserWouldHaveEscapedStandsForItself() throws IOException {
        assertThat(send("GET", "/compute/v2.1/things?name=^web", "").body()).contains("\"^web\"");
        assertThat(send("GET", "/compute/v2.1/things?name={a}", "").body()).contains("\"{a}\"");
        assertThat(send("GET", "/compute/v2.1/things?name=a|b\\", "").body()).contains("a|b");
        assertThat(send("GET", "/compute/v2.1/things?name=a b", "").body()).contains("\"a b\"");
        assertThat(send("GET", "/compute/v2.1/things?name=\"x\"", "").body()).contains("x");
        assertThat(send("GET", "/compute/v2.1/things?name=a+b%2B", "").body()).contains("\"a b+\"");
        assertThat(send("GET", "/compute/v2.1/things/a%2Fb", "").body()).contains("\"a/b\"");
        assertThat(send("GET", "http://x/compute/v2.1/things/a", "").status()).isEqualTo(200);
    }

    @Test
    void whatCannotBeTextIsRefusedInTheServicesWords() throws IOException {
        for (String path :
                List.of(
                        "/compute/v2.1/things/%00",
                        "/compute/v2.1/things/a%00b",
                        "/compute/v2.1/things?name=%00",
                        "/compute/v2.1/things/%ff",
                        "/compute/v2.1/things/%ed%a0%80",
                        "/compute/v2.1/things?name=%ed%a0%80",
                        "/compute/v2.1/things?name=100%",
                        "/compute/v2.1/things/%zz")) {
            RawClient.Answer answer = send("GET", path, "");
            assertThat(answer.status()).as(path).isEqualTo(400);
            assertThat(answer.body()).contains("badRequest");
        }
        for (String body :
                List.of(
                        "{\"name\": \"x\\ud800y\"}",
                        "{\"name\": \"x\\udc00\\ud800y\"}",
                        "{\"x\\ud800\": \"y\"}",
                        "{\"a\": [{\"b\": \"\\ud800\"}]}",
                        "{\"a\": \"\\u0000\"}",
                        "{\"a\": \"\355\240\200\"}",
                        "[" + "1,".repeat(Json.MAX_TOKENS) + "1]")) {
            RawClient.Answer answer = send("POST", "/compute/v2.1/things", body);
            assertThat(answer.status()).as(body.substring(0, 8)).isEqualTo(400);
            assertThat(answer.body()).contains("badRequest");
        }
        assertThat(send("POST", "/compute/v2.1/things", "{\"a\":\"\\ud83d\\ude00\"}").body())
                .isEqualTo("{\"a\":\"😀\"}");
    }

    @Test
    void anEmptyIdIsNotFound() throws IOException {
        assertThat(send("GET", "/compute/v2.1/things", "").status()).isEqualTo(200);
        assertThat(send("GET", "/compute/v2.1/things/", "").status()).isEqualTo(404);
        assertThat(send("DELETE", "/compute/v2.1/things/", "").status()).isEqualTo(404);
        assertThat(send("GET", "//compute//v2.1/things", "").status()).isEqualTo(200);
        assertThat(send("GET", "/compute/v2.1/things/a/", "").status()).isEqualTo(200);
    }

    @Test
    void chunksAreABody() throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            String head =
                    "POST /compute/v2.1/things HTTP/1.1\r\nHost: x\r\nX-Auth-Token: p\r\n"
                            + "Transfer-Encoding: chunked\r\n\r\n";
            client.say(head + "5;x=y\r\n{\"a\":\r\n2\r\n1}\r\n0\r\nTrailer: t\r\n\r\n");
            assertThat(client.answer().body()).isEqualTo("{\"a\":1}");
            client.say(head + "zz\r\n");
            assertThat(client.answer().status()).isEqualTo(400);
            assertThat(client.ended()).isTrue();
        }
    }

    @Test
    void aClientThatAsksIsInvitedOnlyWhenTheBodyIsWanted() throws IOException {
        String head =
                "POST /compute/v2.1/things HTTP/1.1\r\nHost: x\r\n%sExpect: 100-continue\r\n"
                        + "Content-Length: 7\r\n\r\n";
        try (RawClient client = new RawClient(server.port())) {
            client.say(head.formatted("X-Auth-Token: p\r\n"));
            assertThat(client.answer().status()).isEqualTo(100);
            client.say("{\"a\":1}");
            assertThat(client.answer().body()).isEqualTo("{\"a\":1}");
            client.say(head.formatted(""));
            assertThat(client.answer().status()).isEqualTo(401);
            assertThat(client.ended()).isTrue();
        }
    }

    @Test
    void whatTwoReadersCouldReadDifferentlyIsRefused() throws IOException {
        String line = "POST /compute/v2.1/things HTTP/1.1\r\n";
        for (String head :
                List.of(
                        line + "Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                        line + "Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                        line + "Host: x\r\nContent-Length: +1\r\n",
                        line + "Host: x\r\nContent-Length : 1\r\n",
                        line + "Host: x\r\n Content-Length: 1\r\n",
                        line + "Host: x\r\nA\u0000: 1\r\n",
                        line + "Host: x\r\nA: 1\u0000\r\n",
                        line + "Host: x\r\nA: 1\rB: 2\r\n",
                        line + "Host: x\r\nHost: y\r\n",
                        line + "Host: x\"><script>\r\n",
                        line,
                        "GET\r\nHost: x\r\n",
                        "GET  HTTP/1.1\r\nHost: x\r\n",
                        "GET x HTTP/1.1\r\nHost: x\r\n",
                        "GET / HTTP/x\r\nHost: x\r\n",
                        "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n")) {
            assertRefused(head + "\r\n", 400);
        }
        assertRefused(line + "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501);
        assertRefused("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505);
        assertRefused("GET /" + "x".repeat(RequestHead.MAX_LINE_BYTES) + " HTTP/1.1\r\n\r\n", 414);
        assertRefused(line + "A: b\r\n".repeat(101) + "\r\n", 431);
        assertRefused(line + "A: " + "b".repeat(RequestHead.MAX_BYTES), 431);
    }

    @Test
    void requestsFollowEachOther() throws IOException {
        long seed = 4711;
        Random random = new Random(seed);
        StringBuilder all = new StringBuilder();
        int count = 200;
        for (int i = 0; i < count; i++) {
            all.append(
                    random.nextBoolean()
                            ? request("GET", "/compute/v2.1/things/" + i)
                            : ("POST /compute/v2.1/things HTTP/1.1\r\n"
                                            + "Host: x\r\n"
                                            + "X-Auth-Token: p\r\n"
                                            + "Content-Length: %d\r\n\r\n"
                                            + "{\"a\":%d}")
                                    .formatted(6 + Integer.toString(i).length(), i));
        }
        try (RawClient client = new RawClient(server.port())) {
            int answered = 0;
            for (int at = 0; at < all.length(); ) {
                int end = Math.min(all.length(), at + 1 + random.nextInt(200));
                client.say(all.substring(at, end));
                at = end;
            }
            for (; answered < count; answered++) {
                assertThat(client.answer().body())
                        .as("seed %d", seed)
                        .contains(Integer.toString(answered));
            }
        }
    }

    private void assertRefused(String head, int status) throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            client.say(head);
            RawClient.Answer answer = client.answer();
            assertThat(answer.status())
                    .as(head.substring(0, Math.min(80, head.length())))
                    .isEqualTo(status);
            assertThat(answer.body()).contains("\"error\"");
            assertThat(client.ended()).isTrue();
        }
    }

    private RawClient.Answer send(String method, String path, String body) throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            client.say(
                    "%s %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: p\r\nContent-Length: %d\r\n\r\n%s"
                            .formatted(method, path, body.length(), body));
            return client.answer();
        }
    }

    private static String request(String method, String path) {
        return "%s %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: p\r\n\r\n".formatted(method, path);
    }

    private static Response list(Request request) {
        return Response.ok(Json.object().put("name", request.query().first("name").orElse("")));
    }

    private static Response show(Request request) {
        return Response.ok(
                Json.object()
                        .put("id", request.pathParameter("id"))
                        .put("self", request.baseUrl()));
    }

    private static Response echo(Request request) {
        return Response.ok(Json.parse(request.bytes()));
    }
}
