package dev.iod.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.region.NodeConsole;
import dev.iod.rest.ApiException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tokens and WebSockets with the JDK's own client; the node's end is a queue. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsolesTest {
    private static final UUID SERVER = UUID.fromString("6a1c2f9e-3b4d-4e5f-8a9b-0c1d2e3f4a5b");
    private static final String PROJECT = "p";

    private final TestClock clock = new TestClock();
    private final HttpClient http = HttpClient.newHttpClient();
    private final BlockingQueue<FakeConsole> opened = new LinkedBlockingQueue<>();
    private volatile Optional<String> refusal = Optional.empty();
    private volatile boolean broken;

    /** All of a test. */
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();

    private TestRegion region;
    private Consoles consoles;

    @BeforeAll
    void start(@TempDir Path novnc) throws IOException {
        for (String file : List.of("core/rfb.js", "core/util/int.js", "copyright", "core/x.sh")) {
            Path path = novnc.resolve(file);
            Files.createDirectories(path.getParent());
            Files.writeString(path, "content of " + file);
        }
        Files.createDirectories(novnc.resolve("vendor"));
        Consoles[] made = new Consoles[1];
        region =
                new TestRegion(
                        database -> {
                            made[0] =
                                    new Consoles(
                                            database,
                                            (node, server, project, kind) -> {
                                                refusal.ifPresent(
                                                        reason -> {
                                                            throw ApiException.conflict(reason);
                                                        });
                                                if (broken) {
                                                    throw new IllegalStateException("secret");
                                                }
                                                FakeConsole console =
                                                        new FakeConsole(
                                                                node + " " + server + " " + kind);
                                                opened.add(console);
                                                return console;
                                            },
                                            (handle, server) -> Optional.of("n1"),
                                            Set.of("dashboard.example.org"),
                                            Optional.empty(),
                                            Optional.of(novnc),
                                            clock);
                            return List.of(made[0].service());
                        });
        consoles = made[0];
    }

    @AfterAll
    void stop() {
        consoles.close();
        region.close();
    }

    @AfterEach
    void leave() throws InterruptedException {
        clients.forEach(client -> client.socket.abort());
        clients.clear();
        while (!consoles.projects().isEmpty()) {
            Thread.sleep(10);
        }
    }

    @BeforeEach
    void forget() {
        opened.clear();
        refusal = Optional.empty();
        broken = false;
    }

    @Test
    void bytesGoBothWaysUntilTheConsoleEnds() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL));
        assertThat(client.socket.getSubprotocol()).isEqualTo("binary");
        FakeConsole console = opened.take();
        assertThat(console.what).isEqualTo("n1 " + SERVER + " CONSOLE_SERIAL");

        console.says("login: ");
        assertThat(client.next()).isEqualTo("login: ");
        client.socket.sendText("ro", true).join(); // As nova-serialproxy's clients do it.
        client.socket.sendBinary(ByteBuffer.wrap(bytes("ot")), false).join();
        client.socket.sendBinary(ByteBuffer.wrap(bytes("\r")), true).join();
        assertThat(console.typed.take()).isEqualTo("ro");
        assertThat(console.typed.take()).isEqualTo("ot\r");

        console.says("bye");
        console.close();
        assertThat(client.next()).isEqualTo("bye");
        assertThat(client.next()).isEqualTo("closed 1000 the console has ended");
    }

    @Test
    void aUserWhoGoesEndsTheUse() throws Exception {
        Client client = connect(issue(ConsoleType.NOVNC));
        FakeConsole console = opened.take();
        assertThat(console.what).endsWith("CONSOLE_VNC");
        client.socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
        assertThat(console.read()).isEmpty();
        Client lost = connect(issue(ConsoleType.NOVNC));
        console = opened.take();
        lost.socket.abort();
        assertThat(console.read()).isEmpty();
    }

    @Test
    void aTokenIsGoodOnceForOneConsoleAndTenMinutes() throws Exception {
        String url = issue(ConsoleType.SERIAL);
        assertThat(refused(url.replace("/serial", "/vnc"))).isEqualTo(403);
        assertThat(consoles.find(token(url)))
                .contains(new Consoles.Target(SERVER, Optional.of("n1")));
        connect(url);
        opened.take();
        assertThat(refused(url)).isEqualTo(403);
        assertThat(consoles.find(token(url))).isEmpty();

        String old = issue(ConsoleType.SERIAL);
        clock.now = clock.now.plus(ConsoleTokens.LIFETIME);
        assertThat(refused(old)).isEqualTo(403);
        assertThat(refused(region.url().replace("http", "ws") + "/console/serial")).isEqualTo(403);
    }

    @Test
    void whatIsKeptOfATokenOpensNothing() {
        String token = token(issue(ConsoleType.SERIAL));
        String kept =
                region.database()
                        .read(
                                handle ->
                                        handle.createQuery(
                                                        "SELECT string_agg(row_to_json(t)::text, ' ')"
                                                                + " FROM console_token t")
                                                .mapTo(String.class)
                                                .one());
        assertThat(kept).contains(SERVER.toString()).doesNotContain(token);
    }

    @Test
    void issueAndUseAreInTheAudit() throws Exception {
        connect(issue(ConsoleType.NOVNC));
        opened.take();
        List<String> audit =
                region.database()
                        .read(
                                handle ->
                                        handle.createQuery(
                                                        "SELECT action || ' ' || user_id FROM audit"
                                                                + " WHERE target = :id"
                                                                + " ORDER BY id DESC LIMIT 2")
                                                .bind("id", SERVER.toString())
                                                .mapTo(String.class)
                                                .list());
        assertThat(audit).containsExactly("use novnc console u", "issue novnc console u");
    }

    @Test
    void tokensOfAServerAreBounded() {
        List<String> urls = new ArrayList<>();
        for (int i = 0; i <= ConsoleTokens.MAX_OF_SERVER; i++) {
            urls.add(issue(ConsoleType.SERIAL));
        }
        assertThat(consoles.find(token(urls.get(0)))).isEmpty();
        assertThat(consoles.find(token(urls.get(1)))).isPresent();
        assertThat(consoles.find(token(urls.getLast()))).isPresent();
    }

    @Test
    void pagesOfOthersMayNotConnect() {
        String own = region.url();
        for (String origin :
                List.of(
                        "http://evil.example",
                        "null",
                        "http://dashboard.example.org.evil.example",
                        "http://dashboard.example.org:8080",
                        "file://dashboard.example.org",
                        "http://u@dashboard.example.org",
                        own + "1",
                        "::")) {
            assertThat(refused(issue(ConsoleType.NOVNC), origin)).as(origin).isEqualTo(403);
        }
        for (String origin : List.of(own, "https://Dashboard.example.org")) {
            connect(issue(ConsoleType.NOVNC), origin).socket.abort();
        }
    }

    @Test
    void thePageMayLoadNothingButItself() throws Exception {
        HttpResponse<String> page = get("/console/vnc.html?path=console%2Fvnc%3Ftoken%3Dx");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.body()).contains("noVNC").endsWith("</html>\n").doesNotContain("style=");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .contains("default-src 'none'; script-src 'self'; style-src 'self'")
                .contains("frame-ancestors 'self' dashboard.example.org")
                .doesNotContain("unsafe");
        assertThat(get("/console/novnc/core/rfb.js").body()).isEqualTo("content of core/rfb.js");
        assertThat(get("/console/novnc/core/rfb.js").headers().firstValue("Content-Type"))
                .contains("text/javascript; charset=utf-8");
        assertThat(get("/console/novnc/core/util/int.js").statusCode()).isEqualTo(200);
        assertThat(get("/console/novnc/copyright").statusCode()).isEqualTo(200);
        for (String none :
                List.of(
                        "/console/novnc/core/x.sh",
                        "/console/novnc/core/%2e%2e/copyright",
                        "/console/novnc/core/..%2fcopyright",
                        "/console/ConsoleTokens.class")) {
            assertThat(get(none).statusCode()).as(none).isEqualTo(404);
        }
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(region.url() + path)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void whyThereIsNoConsoleIsSaid() throws Exception {
        refusal = Optional.of("The server's node is not connected.");
        String url = issue(ConsoleType.SERIAL);
        assertThat(connect(url).next())
                .isEqualTo("closed 1011 The server's node is not connected.");
        // Nothing was opened, so the token is still good.
        refusal = Optional.empty();
        connect(url).socket.abort();
        opened.take();
        assertThat(refused(url)).isEqualTo(403);
    }

    /** What is no user's business is in the log only. */
    @Test
    void whatGoesWrongInsideIsSaidWithoutDetails() throws Exception {
        broken = true;
        Client client = connect(issue(ConsoleType.SERIAL));
        assertThat(client.next())
                .startsWith("closed 1011 Unexpected error; the region's log has it under req-")
                .doesNotContain("secret");
    }

    /** Two with one token at the same time: the handshakes of both are over. */
    @Test
    void ofTwoAtOnceOneHasTheConsole() throws Exception {
        for (int i = 0; i < 10; i++) {
            String url = issue(ConsoleType.SERIAL);
            List<CompletableFuture<String>> both =
                    List.of(
                            CompletableFuture.supplyAsync(() -> outcome(url)),
                            CompletableFuture.supplyAsync(() -> outcome(url)));
            opened.take().says("hello");
            List<String> outcomes = both.stream().map(CompletableFuture::join).sorted().toList();
            assertThat(outcomes.getFirst()).isIn("403", "closed 1008 the token was used");
            assertThat(outcomes.getLast()).isEqualTo("hello");
        }
    }

    /** What came of a visit. */
    private String outcome(String url) {
        try {
            return connect(url).next();
        } catch (CompletionException e) {
            return "403";
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aProjectHasSoManyAtATime() throws Exception {
        List<Client> clients = new ArrayList<>();
        List<FakeConsole> used = new ArrayList<>();
        for (int i = 0; i < Consoles.MAX_OF_PROJECT; i++) {
            clients.add(connect(issue(ConsoleType.SERIAL, "full")));
            used.add(opened.take());
        }
        String url = issue(ConsoleType.SERIAL, "full");
        assertThat(refused(url)).isEqualTo(429);
        connect(issue(ConsoleType.SERIAL, "other")).socket.abort();
        opened.take();
        used.getFirst().close();
        assertThat(clients.getFirst().next()).startsWith("closed");
        connectWhenThereIsRoom(url);
        clients.forEach(client -> client.socket.abort());
    }

    /** The good-bye is heard a moment before the place is free. */
    private void connectWhenThereIsRoom(String url) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (consoles.full("full") && System.nanoTime() < end) {
            Thread.sleep(10);
        }
        connect(url);
    }

    /** What was heard is known to be taken a moment later; then it would seem to wait for long. */
    private void lookWhenAllIsTaken(long nowNanos) throws InterruptedException {
        while (consoles.areCarrying()) {
            Thread.sleep(1);
        }
        consoles.look(nowNanos);
    }

    @Test
    void aVisitInWhichNobodyDoesAnythingEndsAfterAnHour() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL));
        FakeConsole console = opened.take();
        console.says("x");
        assertThat(client.next()).isEqualTo("x");
        lookWhenAllIsTaken(System.nanoTime() + Visit.IDLE.toNanos() / 2);
        console.says("y");
        assertThat(client.next()).isEqualTo("y");
        consoles.look(System.nanoTime() + Visit.IDLE.toNanos() + 1);
        assertThat(client.next()).isEqualTo("closed 1008 unused for an hour");
        assertThat(console.read()).isEmpty();
    }

    /** Neither a picture that changes nor a page that asks for it is a user. */
    @Test
    void aDisplayIsUsedByWhoTypes() throws Exception {
        Client client = connect(issue(ConsoleType.NOVNC));
        FakeConsole console = opened.take();
        byte[] updateRequest = {3, 1, 0, 0, 0, 0, 2, 0, 2, 0};
        byte[] key = {4, 1, 0, 0, 0, 0, 0, 97};
        long begun = System.nanoTime();
        client.socket.sendBinary(ByteBuffer.wrap(key), true).join();
        console.typed.take();
        long typed = System.nanoTime();
        lookWhenAllIsTaken(begun + Visit.IDLE.toNanos());
        client.socket.sendBinary(ByteBuffer.wrap(updateRequest), true).join();
        console.typed.take();
        client.socket.sendBinary(ByteBuffer.allocate(0), true).join();
        console.says("a picture");
        assertThat(client.next()).isEqualTo("a picture");
        consoles.look(typed + Visit.IDLE.toNanos() + 1);
        assertThat(client.next()).isEqualTo("closed 1008 unused for an hour");
    }

    /** Rights may have ended since it began. */
    @Test
    void noVisitIsLongerThanADay() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL));
        opened.take();
        consoles.look(System.nanoTime() + Visit.LONGEST.toNanos() + 1);
        assertThat(client.next()).isEqualTo("closed 1008 a console is open for a day at most");
    }

    /** A guest that is paused, or a node that means ill: input that nobody takes ends the visit. */
    @Test
    void whatTheConsoleDoesNotTakeEndsTheVisit() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL, "stuck"));
        FakeConsole console = opened.take();
        console.takesNothing = true;
        client.socket.sendBinary(ByteBuffer.wrap(bytes("paste")), true).join();
        assertThat(console.typed.take()).isEqualTo("paste");
        client.socket.abort(); // Nobody reads, so nobody sees it.
        consoles.look(System.nanoTime() + Flow.PATIENCE.toNanos() + 1_000_000_000L);
        assertThat(console.ended.await(60, TimeUnit.SECONDS)).isTrue();
        awaitNoVisit("stuck");
    }

    /** Also one that sends all the while, and so is not silent. */
    @Test
    void whatTheClientDoesNotTakeEndsTheVisit() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL, "stuck"));
        FakeConsole console = opened.take();
        client.paused = true;
        byte[] piece = new byte[64 << 10];
        while (console.output.offer(piece, 2, TimeUnit.SECONDS)) {}
        client.socket.sendBinary(ByteBuffer.wrap(bytes("here")), true).join();
        assertThat(console.typed.take()).isEqualTo("here");
        consoles.look(System.nanoTime() + Flow.PATIENCE.toNanos() + 1_000_000_000L);
        awaitNoVisit("stuck");
    }

    private void awaitNoVisit(String project) throws InterruptedException {
        while (consoles.projects().contains(project)) {
            Thread.sleep(10);
        }
    }

    @Test
    void aWayHasARateAndMayUseWhatItSavedInASecond() {
        Flow flow = new Flow();
        long now = System.nanoTime() + TimeUnit.HOURS.toNanos(1);
        int second = (int) Flow.BYTES_PER_SECOND;
        assertThat(flow.pause(second, now)).isZero();
        assertThat(flow.pause(second, now)).isEqualTo(Duration.ofSeconds(1));
        assertThat(flow.pause(second, now + 1_000_000_000L)).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void behindAProxyUrlsAreThoseOfTheProxy() {
        Consoles proxied =
                new Consoles(
                        region.database(),
                        (node, server, project, kind) -> new FakeConsole("none"),
                        (handle, server) -> Optional.empty(),
                        Set.of(),
                        Optional.of("https://cloud.example.org"),
                        Optional.empty(),
                        clock);
        Actor actor = new Actor("req-1", "u", Optional.of(PROJECT), Set.of("member"));
        for (ConsoleType type : ConsoleType.values()) {
            String url =
                    region.database()
                            .transaction(
                                    handle ->
                                            proxied.issue(
                                                    handle,
                                                    actor,
                                                    SERVER,
                                                    PROJECT,
                                                    type,
                                                    region.url()));
            assertThat(url)
                    .startsWith(
                            switch (type) {
                                case SERIAL -> "wss://cloud.example.org/console/serial?token=";
                                case NOVNC -> "https://cloud.example.org/console/vnc.html?path=";
                            });
        }
    }

    @Test
    void tokensThatHaveExpiredAreForgotten() {
        issue(ConsoleType.SERIAL);
        clock.now = clock.now.plus(ConsoleTokens.LIFETIME).plusSeconds(1);
        consoles.look(System.nanoTime());
        int left =
                region.database()
                        .read(
                                handle ->
                                        handle.createQuery("SELECT count(*) FROM console_token")
                                                .mapTo(Integer.class)
                                                .one());
        assertThat(left).isZero();
    }

    @Test
    void theRegionHasSoManyInAll() throws Exception {
        for (int i = 0; i < Consoles.MAX_VISITS; i++) {
            connect(issue(ConsoleType.SERIAL, "project " + i / 16));
            opened.take();
        }
        assertThat(refused(issue(ConsoleType.SERIAL, "one more"))).isEqualTo(429);
    }

    /** A client that takes nothing holds up the console, and nothing gathers. */
    @Test
    void whoReadsSlowlyHoldsTheConsoleUp() throws Exception {
        Client client = connect(issue(ConsoleType.SERIAL));
        FakeConsole console = opened.take();
        client.paused = true;
        byte[] piece = new byte[64 << 10];
        int taken = 0;
        while (console.output.offer(piece, 2, TimeUnit.SECONDS)) {
            taken++;
            // Of the connection itself: the kernel's buffers of both ends.
            assertThat(taken).as("pieces of 64 KiB in between").isLessThan(200);
        }
        client.resume();
        assertThat(console.output.offer(piece, 60, TimeUnit.SECONDS)).isTrue();
        client.socket.abort();
    }

    private String issue(ConsoleType type) {
        return issue(type, PROJECT);
    }

    /** The WebSocket's URL. */
    private String issue(ConsoleType type, String project) {
        Actor actor = new Actor("req-1", "u", Optional.of(project), Set.of("member"));
        String url =
                region.database()
                        .transaction(
                                handle ->
                                        consoles.issue(
                                                handle,
                                                actor,
                                                SERVER,
                                                project,
                                                type,
                                                region.url()));
        return switch (type) {
            case SERIAL -> url;
            case NOVNC -> {
                assertThat(url).startsWith(region.url() + "/console/vnc.html?path=");
                String path =
                        java.net.URLDecoder.decode(
                                url.substring(url.indexOf("path=") + 5), StandardCharsets.UTF_8);
                yield region.url().replace("http", "ws") + "/" + path;
            }
        };
    }

    private static String token(String url) {
        return url.substring(url.indexOf("token=") + "token=".length());
    }

    private Client connect(String url) {
        return connect(url, "");
    }

    private Client connect(String url, String origin) {
        Client client = new Client(http, URI.create(url), origin);
        clients.add(client);
        return client;
    }

    private int refused(String url) {
        return refused(url, "");
    }

    private int refused(String url, String origin) {
        int[] status = {0};
        assertThatThrownBy(() -> connect(url, origin))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        WebSocketHandshakeException.class,
                        e -> status[0] = e.getResponse().statusCode());
        return status[0];
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static final class TestClock extends Clock {
        private volatile Instant now = Instant.now();

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    /** A console whose guest is the test. */
    private static final class FakeConsole implements NodeConsole {
        private static final byte[] END = new byte[0];
        private final String what;
        private final BlockingQueue<byte[]> output = new ArrayBlockingQueue<>(4);
        private final BlockingQueue<String> typed = new LinkedBlockingQueue<>();
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile boolean takesNothing;
        private volatile boolean closed;

        FakeConsole(String what) {
            this.what = what;
        }

        void says(String text) throws InterruptedException {
            output.put(bytes(text));
        }

        @Override
        public Optional<byte[]> read() throws InterruptedException {
            while (true) {
                byte[] piece = output.poll(50, TimeUnit.MILLISECONDS);
                if (piece != null && piece != END) {
                    return Optional.of(piece);
                } else if (closed) {
                    return Optional.empty();
                }
            }
        }

        @Override
        public boolean write(byte[] input) throws InterruptedException {
            typed.add(new String(input, StandardCharsets.UTF_8));
            if (takesNothing) {
                ended.await();
            }
            return !closed;
        }

        @Override
        public void close() {
            closed = true;
            ended.countDown();
        }
    }

    /** What a client hears. */
    private static final class Client implements WebSocket.Listener {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final WebSocket socket;
        private volatile boolean paused;

        Client(HttpClient http, URI url, String origin) {
            WebSocket.Builder builder = http.newWebSocketBuilder().subprotocols("binary", "base64");
            if (!origin.isEmpty()) {
                builder.header("Origin", origin);
            }
            socket = builder.buildAsync(url, this).join();
        }

        String next() throws InterruptedException {
            return Optional.ofNullable(heard.poll(60, TimeUnit.SECONDS)).orElseThrow();
        }

        void resume() {
            paused = false;
            socket.request(Long.MAX_VALUE);
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
            heard.add(StandardCharsets.UTF_8.decode(data).toString());
            return paused
                    ? new CompletableFuture<>()
                    : WebSocket.Listener.super.onBinary(from, data, last);
        }

        @Override
        public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
            heard.add("closed " + code + " " + reason);
            return WebSocket.Listener.super.onClose(from, code, reason);
        }

        @Override
        public void onError(WebSocket from, Throwable error) {
            heard.add("error " + error);
        }
    }
}
