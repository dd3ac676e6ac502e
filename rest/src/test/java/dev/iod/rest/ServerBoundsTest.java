package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What nobody can take from the others: connections, turns, memory. */
class ServerBoundsTest {
    private static final int CONNECTIONS = 32;
    private static final int PER_ADDRESS = 24;
    private static final int PER_PAYER = 3;
    private static final long BUDGET_BYTES = 4L << 20;

    private final CountDownLatch gate = new CountDownLatch(1);
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger refusals = new AtomicInteger();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        gate.countDown();
        for (AutoCloseable one : opened.reversed()) {
            one.close();
        }
    }

    @Test
    void halfSentHeadsShutNobodyOut() throws IOException {
        ApiServer server = start(limits());
        for (int i = 0; i < 3 * CONNECTIONS; i++) {
            open(server).say("GET /compute/v2.1/thing HTTP/1.1\r\nHost: x\r\n");
        }
        assertThat(caller(server, "p1").get("/thing").status()).isEqualTo(200);
        assertThat(server.connections()).isLessThanOrEqualTo(PER_ADDRESS);
    }

    @Test
    void aHeadHasADeadline() throws IOException {
        ApiServer server = start(withTimes(Duration.ofMillis(200), Duration.ofSeconds(60)));
        RawClient slow = open(server).say("GET /compute/v2.1/thing HTTP/1.1\r\n");
        assertThat(slow.answer().status()).isEqualTo(408);
        assertThat(slow.ended()).isTrue();
        RawClient silent = open(server);
        assertThat(silent.ended()).isTrue();
    }

    @Test
    void aWholeRequestHasADeadline() throws IOException {
        ApiServer server = start(withTimes(Duration.ofSeconds(10), Duration.ofMillis(300)));
        RawClient slow = open(server).say(post("p1", 100) + "x".repeat(99));
        RawClient.Answer answer = slow.answer();
        assertThat(answer.status()).isEqualTo(408);
        assertThat(answer.body()).contains("did not arrive in time");
        assertThat(slow.ended()).isTrue();
    }

    @Test
    void workThatWasAllowedIsWaitedFor() throws Exception {
        ApiServer server = start(withTimes(Duration.ofSeconds(10), Duration.ofMillis(300)));
        RawClient slow = open(server).say(get("/slow", "p1"));
        await(() -> running.get() == 1);
        RawClient other = open(server).say(get("/wait", "p2"));
        assertThat(other.ended()).isTrue();
        gate.countDown();
        assertThat(slow.answer().status()).isEqualTo(200);
    }

    @Test
    void aClientThatDoesNotReadIsCut() throws Exception {
        ApiServer server = start(withTimes(Duration.ofSeconds(10), Duration.ofMillis(300)));
        RawClient deaf = open(server);
        for (int i = 0; i < 64; i++) {
            deaf.say(get("/large", "p1"));
        }
        await(() -> server.connections() == 0);
        assertThat(server.bodyBytes()).isZero();
    }

    @Test
    void busyConnectionsOfOneAddressHaveABound() throws Exception {
        ApiServer server = start(limits());
        for (int i = 0; i < PER_ADDRESS; i++) {
            open(server).say(get("/wait", "p" + i));
        }
        await(() -> running.get() == PER_ADDRESS);
        RawClient more = open(server);
        RawClient.Answer answer = more.answer();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.headers()).containsKey("retry-after");
        gate.countDown();
        await(() -> running.get() == 0);
        assertThat(caller(server, "p1").get("/thing").status()).isEqualTo(200);
    }

    @Test
    void oneProjectLeavesTurnsToOthers() throws Exception {
        ApiServer server = start(limits());
        List<RawClient> waiting = new ArrayList<>();
        for (int i = 0; i < PER_PAYER + 2; i++) {
            waiting.add(open(server).say(get("/wait", "greedy")));
        }
        List<Integer> refused = new ArrayList<>();
        await(() -> running.get() == PER_PAYER);
        assertThat(caller(server, "other").get("/thing").status()).isEqualTo(200);
        gate.countDown();
        for (RawClient client : waiting) {
            RawClient.Answer answer = client.answer();
            if (answer.status() == 429) {
                assertThat(answer.headers()).containsKey("retry-after");
                refused.add(answer.status());
            } else {
                assertThat(answer.status()).isEqualTo(200);
            }
        }
        assertThat(refused).hasSizeLessThanOrEqualTo(2);
        assertThat(running.get()).isZero();
    }

    @Test
    void aTurnThatDoesNotComeIsAnAnswer() throws Exception {
        ApiServer server = start(limits());
        for (int i = 0; i < PER_PAYER; i++) {
            open(server).say(get("/wait", "greedy"));
        }
        await(() -> running.get() == PER_PAYER);
        HttpCaller.Answer answer = caller(server, "greedy").get("/thing");
        assertThat(answer.status()).isEqualTo(429);
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.text()).contains("Too many requests of one project");
    }

    @Test
    void bodiesThatDoNotEndHaveABudget() throws Exception {
        ApiServer server = start(limits());
        int size = 1 << 20;
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            clients.add(open(server).say(post("p" + i, size)));
        }
        // Four have room; the others get an answer before they have sent anything.
        await(() -> server.bodyBytes() == BUDGET_BYTES);
        int refused = 0;
        for (RawClient client : clients) {
            client.say("x".repeat(1000));
        }
        await(() -> running.get() == 4 && refusals.get() == 4);
        assertThat(server.bodyBytes()).isEqualTo(BUDGET_BYTES);
        for (RawClient client : clients) {
            client.say("x".repeat(size - 1000));
        }
        for (RawClient client : clients) {
            RawClient.Answer answer = client.answer();
            if (answer.status() == 503) {
                refused++;
                assertThat(answer.headers()).containsKey("retry-after");
            }
        }
        assertThat(refused).isEqualTo(4);
        await(() -> server.bodyBytes() == 0);
        assertThat(caller(server, "p9").post("/things", "{'a': 1}").status()).isEqualTo(202);
    }

    /** An upload that waits for what becomes of it holds no memory that others need. */
    @Test
    void aStreamThatEndedCostsNothing() throws Exception {
        ApiServer server = start(limits());
        RawClient client = open(server);
        client.say(
                "PUT /compute/v2.1/bytes HTTP/1.1\r\nHost: x\r\nX-Auth-Token: p1\r\n"
                        + "Content-Length: 10\r\n\r\n12345");
        await(() -> server.bodyBytes() > 0);
        client.say("67890");
        await(() -> running.get() == 1);
        assertThat(server.bodyBytes()).isZero();
        gate.countDown();
        assertThat(client.answer().status()).isEqualTo(200);
        assertThat(server.bodyBytes()).isZero();
    }

    @Test
    void oneProjectLeavesMemoryToOthers() throws Exception {
        ApiServer server = start(limits());
        for (int i = 0; i < 3; i++) {
            open(server).say(post("greedy", 1 << 20));
        }
        await(() -> server.bodyBytes() == BUDGET_BYTES / 2);
        assertThat(caller(server, "p9").post("/things", "{'a': 1}").status()).isEqualTo(202);
        await(() -> server.bodyBytes() == BUDGET_BYTES / 2);
    }

    @Test
    void answersCountToo() throws Exception {
        ApiServer server = start(limits());
        // Each answer is larger than what the kernel buffers, and nobody reads.
        for (int i = 0; i < PER_ADDRESS - 1; i++) {
            open(server).say(get("/large", "p" + i));
        }
        await(() -> running.get() == 0 && server.bodyBytes() > 0);
        assertThat(server.bodyBytes()).isLessThanOrEqualTo(BUDGET_BYTES);
        assertThat(caller(server, "px").get("/thing").status()).isEqualTo(200);
    }

    @Test
    void withoutATokenABodyIsSmall() throws IOException {
        ApiServer server = start(limits());
        HttpCaller stranger = new HttpCaller(url(server), "");
        String large = "{'a': '" + "x".repeat(Request.PUBLIC_LIMIT_BYTES) + "'}";
        assertThat(stranger.post("/public", large).status()).isEqualTo(413);
        assertThat(stranger.post("/public", "{'a': 'x'}").status()).isEqualTo(202);
        assertThat(caller(server, "p1").post("/things", large).status()).isEqualTo(202);
    }

    @Test
    void aRefusedBodyIsNotReadWithoutEnd() throws IOException {
        ApiServer server = start(limits());
        RawClient client = open(server);
        client.say(
                "POST /compute/v2.1/things HTTP/1.1\r\n"
                        + "Host: x\r\n"
                        + "Content-Length: 99999999999\r\n\r\n");
        RawClient.Answer answer = client.answer();
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.headers()).containsEntry("connection", "close");
        int sent = 0;
        try {
            for (; sent < 64 << 20; sent += 1 << 16) {
                client.say("x".repeat(1 << 16));
            }
        } catch (IOException e) {
            assertThat(e).isNotNull();
        }
        assertThat(sent).isLessThan(32 << 20);
        // A small rest is read, and the connection goes on.
        RawClient other = open(server);
        other.say(
                "POST /compute/v2.1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                        + get("/thing", "p1"));
        assertThat(other.answer().status()).isEqualTo(401);
        assertThat(other.answer().status()).isEqualTo(200);
    }

    /** Most clients send a whole body before they look at the answer. */
    @Test
    void aClientThatSendsOnSeesItsRefusal() throws IOException {
        ApiServer server = start(limits());
        RawClient client = open(server);
        client.say(
                "POST /compute/v2.1/things HTTP/1.1\r\n"
                        + "Host: x\r\n"
                        + "Content-Length: 8388608\r\n\r\n");
        for (int sent = 0; sent < 8 << 20; sent += 1 << 16) {
            client.say("x".repeat(1 << 16));
        }
        assertThat(client.answer().status()).isEqualTo(401);
        assertThat(client.ended()).isTrue();
    }

    @Test
    void aHugeChunkIsReadAsItComes() throws IOException {
        ApiServer server = start(limits());
        RawClient client = open(server);
        client.say(
                "POST /compute/v2.1/things HTTP/1.1\r\nHost: x\r\nX-Auth-Token: p1\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n");
        client.say("x".repeat(Request.JSON_LIMIT_BYTES + 1));
        assertThat(client.answer().status()).isEqualTo(413);
    }

    private static String get(String path, String token) {
        return "GET /compute/v2.1%s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\n\r\n"
                .formatted(path, token);
    }

    private static String post(String token, int size) {
        return "POST /compute/v2.1/things HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Length: %d\r\n\r\n"
                .formatted(token, size);
    }

    private static void await(java.util.function.BooleanSupplier condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
            Thread.sleep(5);
        }
    }

    private static ServerLimits limits() {
        return withTimes(Duration.ofSeconds(10), Duration.ofSeconds(60));
    }

    private static ServerLimits withTimes(Duration head, Duration request) {
        return new ServerLimits(
                CONNECTIONS,
                PER_ADDRESS,
                head,
                Duration.ofMinutes(2),
                request,
                64L << 20,
                CONNECTIONS,
                PER_PAYER,
                Duration.ofMillis(300),
                BUDGET_BYTES,
                BUDGET_BYTES / 2);
    }

    private ApiServer start(ServerLimits limits) {
        Api api =
                new Api(
                        "/compute",
                        ApiServerTest::error,
                        Microversions.NONE,
                        List.of(
                                Route.get("/v2.1/thing", ignored -> Response.ok(Json.object()))
                                        .may(Rule.READER),
                                Route.get("/v2.1/large", ignored -> large()).may(Rule.READER),
                                Route.get("/v2.1/wait", ignored -> hold()).may(Rule.READER),
                                Route.get("/v2.1/slow", this::slow).may(Rule.READER),
                                Route.put("/v2.1/bytes", this::drain).may(Rule.MEMBER),
                                Route.post("/v2.1/things", this::take).may(Rule.MEMBER),
                                Route.post("/v2.1/public", this::take).may(Rule.PUBLIC)));
        ApiServer server =
                ApiServer.start(
                        InetAddress.getLoopbackAddress(),
                        0,
                        List.of(api),
                        new FixedTokens(),
                        failure -> Optional.empty(),
                        limits);
        opened.add(server);
        return server;
    }

    private RawClient open(ApiServer server) throws IOException {
        RawClient client = new RawClient(server.port());
        opened.add(client);
        return client;
    }

    private static String url(ApiServer server) {
        return "http://127.0.0.1:" + server.port() + "/compute/v2.1";
    }

    private static HttpCaller caller(ApiServer server, String project) {
        return new HttpCaller(url(server), project);
    }

    private static Response large() {
        return Response.text(200, "text/plain", "x".repeat(1 << 20));
    }

    private Response drain(Request request) {
        try {
            request.stream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return hold();
    }

    private Response take(Request request) {
        running.incrementAndGet();
        try {
            request.bytes();
            return Response.empty(202);
        } catch (ApiException e) {
            refusals.incrementAndGet();
            throw e;
        } finally {
            running.decrementAndGet();
        }
    }

    private Response slow(Request request) {
        request.allow(Duration.ofMinutes(5));
        return hold();
    }

    private Response hold() {
        running.incrementAndGet();
        try {
            gate.await();
            return Response.ok(Json.object());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            running.decrementAndGet();
        }
    }
}
