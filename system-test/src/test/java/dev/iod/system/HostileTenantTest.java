package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * What has brought a region down before, at full size against one that runs: its process lives on,
 * its nodes stay connected, and another project at another address is served all the while.
 */
@ExtendWith(Region.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HostileTenantTest {
    private static final int MIB = 1 << 20;
    private static final String SERVERS = "/compute/v2.1/servers";
    private static final String IMAGES = "/image/v2/images";

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpClient hostile = client("127.0.0.2");
    private final HttpClient bystander = client("127.0.0.1");
    private Region region;
    private URI api;
    private String project;
    private String user;
    private String admin;
    private String token;

    @BeforeAll
    void makeTheTenant(Region shared) throws Exception {
        region = shared;
        api = URI.create(region.api());
        admin = token("admin", region.adminPassword(), "admin");
        String projects = "/identity/v3/projects";
        project =
                json(send(bystander, "POST", projects, admin, "{'project':{'name':'hostile'}}"))
                        .at("/project/id")
                        .stringValue();
        String body =
                "{'user':{'name':'mallory','password':'long enough','default_project_id':'%s'}}"
                        .formatted(project);
        user =
                json(send(bystander, "POST", "/identity/v3/users", admin, body))
                        .at("/user/id")
                        .stringValue();
        JsonNode roles =
                json(send(bystander, "GET", "/identity/v3/roles?name=member", admin, null));
        String grant =
                "/identity/v3/projects/%s/users/%s/roles/%s"
                        .formatted(project, user, roles.at("/roles/0/id").stringValue());
        assertThat(send(bystander, "PUT", grant, admin, null).statusCode()).isEqualTo(204);
        token = token("mallory", "long enough", "hostile");
    }

    @AfterAll
    void removeTheTenant() throws Exception {
        threads.shutdownNow();
        send(bystander, "DELETE", "/identity/v3/users/" + user, admin, null);
        send(bystander, "DELETE", "/identity/v3/projects/" + project, admin, null);
        hostile.close();
        bystander.close();
    }

    @Test
    void sixHundredBodiesThatNeverEnd() throws Exception {
        byte[] body = " ".repeat(MIB - 1).getBytes(StandardCharsets.US_ASCII);
        String head =
                "POST %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                        .formatted(SERVERS, token, MIB);
        whileOthersAreServed(
                () -> {
                    List<Socket> sockets = connections(600, head);
                    List<Callable<Boolean>> writers = new ArrayList<>();
                    for (Socket socket : sockets) {
                        writers.add(() -> written(socket, body));
                    }
                    // Whoever the process has no room for is told so, or closed.
                    await(writers);
                    close(sockets);
                });
    }

    @Test
    void elevenHundredHalfSentHeads() throws Exception {
        whileOthersAreServed(
                () -> {
                    List<Socket> sockets = connections(1_100, "GET / HTTP/1.1\r\nHost: x\r\nX-A: ");
                    assertThat(send(hostile, "GET", SERVERS, token, null).statusCode())
                            .as("a whole request of the same address")
                            .isEqualTo(200);
                    close(sockets);
                });
    }

    @Test
    void aListOfLargeImages() throws Exception {
        String value = "v".repeat(4_300);
        StringBuilder properties = new StringBuilder("{'name':'large'");
        for (int i = 0; i < 15; i++) {
            properties.append(",'p%d':'%s'".formatted(i, value));
        }
        String body = properties.append('}').toString();
        String tooLarge = "{'name':'larger','p':'%s','q':'%s'}".formatted("v".repeat(65_535), "v");
        assertThat(send(hostile, "POST", IMAGES, token, tooLarge).statusCode()).isEqualTo(413);
        List<String> images = new ArrayList<>();
        whileOthersAreServed(
                () -> {
                    for (int i = 0; i < 250; i++) {
                        HttpResponse<String> made = send(hostile, "POST", IMAGES, token, body);
                        assertThat(made.statusCode()).isEqualTo(201);
                        images.add(json(made).at("/id").stringValue());
                    }
                    List<Callable<Integer>> lists = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        lists.add(
                                () ->
                                        send(hostile, "GET", IMAGES + "?limit=1000", token, null)
                                                .statusCode());
                    }
                    assertThat(await(lists)).isSubsetOf(200, 429, 503).contains(200);
                });
        for (String image : images) {
            assertThat(send(hostile, "DELETE", IMAGES + "/" + image, token, null).statusCode())
                    .isEqualTo(204);
        }
    }

    @Test
    void patternsThatNeverEnd() throws Exception {
        List<String> patterns =
                List.of(
                        "(.+)".repeat(9) + "\\9\\8\\7\\6\\5\\4\\3\\2\\1",
                        "(a*)*".repeat(40) + "$",
                        "((((((((((a{1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9}){1,9})");
        whileOthersAreServed(
                () -> {
                    List<Callable<Integer>> calls = new ArrayList<>();
                    for (int i = 0; i < 60; i++) {
                        String name =
                                URLEncoder.encode(patterns.get(i % 3), StandardCharsets.UTF_8);
                        calls.add(
                                () ->
                                        send(hostile, "GET", SERVERS + "?name=" + name, token, null)
                                                .statusCode());
                    }
                    assertThat(await(calls)).isSubsetOf(200, 400, 429);
                });
    }

    @Test
    void joinsOfThirtyOneMebibytes(@TempDir Path directory) throws Exception {
        int length = 31 * MIB;
        byte[] message = new byte[5 + length];
        for (int i = 0; i < 4; i++) {
            message[1 + i] = (byte) (length >>> 24 - 8 * i);
        }
        Path file = Files.write(directory.resolve("join"), message);
        whileOthersAreServed(
                () -> {
                    List<Callable<String>> calls = new ArrayList<>();
                    for (int i = 0; i < 18; i++) {
                        calls.add(() -> join(file));
                    }
                    // 8 is gRPC's RESOURCE_EXHAUSTED; a connection may be closed before it is read.
                    for (String answer : await(calls)) {
                        assertThat(answer).doesNotContain("grpc-status: 0");
                    }
                });
    }

    @Test
    void aLateUploadReplacesNothing() throws Exception {
        String id = "0f0e0d0c-1b2b-4c4d-8e8f-aabbccddeeff";
        String create =
                "{'id':'%s','name':'twice','disk_format':'raw','container_format':'bare'}"
                        .formatted(id);
        String file = IMAGES + "/" + id + "/file";
        assertThat(send(hostile, "POST", IMAGES, token, create).statusCode()).isEqualTo(201);
        String head =
                "PUT %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Auth-Token: %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
                        .formatted(file, token, MIB);
        try (Socket late = connections(1, head).getFirst()) {
            assertThat(written(late, new byte[MIB - 1])).isTrue();
            Wait.until(
                    "the upload has begun",
                    30,
                    () ->
                            json(send(hostile, "GET", IMAGES + "/" + id, token, null))
                                    .at("/status")
                                    .asString()
                                    .equals("saving"));
            assertThat(send(hostile, "DELETE", IMAGES + "/" + id, token, null).statusCode())
                    .isEqualTo(204);
            assertThat(send(hostile, "POST", IMAGES, token, create).statusCode()).isEqualTo(201);
            HttpRequest upload =
                    request(file, token)
                            .header("Content-Type", "application/octet-stream")
                            .PUT(HttpRequest.BodyPublishers.ofString("the second image's bytes"))
                            .build();
            assertThat(hostile.send(upload, BodyHandlers.ofString()).statusCode()).isEqualTo(204);
            written(late, new byte[1]);
            late.getInputStream().readAllBytes();
        }
        assertThat(send(hostile, "GET", file, token, null).body())
                .isEqualTo("the second image's bytes");
        send(hostile, "DELETE", IMAGES + "/" + id, token, null);
    }

    @Test
    void keyPairsBeyondTheQuotaAllAtOnce() throws Exception {
        String path = "/compute/v2.1/os-keypairs";
        int quota = 100;
        List<Integer> made = new ArrayList<>();
        whileOthersAreServed(
                () -> {
                    List<Callable<Integer>> calls = new ArrayList<>();
                    for (int i = 0; i < 3 * quota; i++) {
                        String body = "{'keypair':{'name':'k%d'}}".formatted(i);
                        calls.add(() -> send(hostile, "POST", path, token, body).statusCode());
                    }
                    made.addAll(await(calls));
                });
        assertThat(made).isSubsetOf(200, 201, 403, 429);
        JsonNode list = json(send(hostile, "GET", path, token, null)).at("/keypairs");
        assertThat(list.size())
                .isEqualTo((int) made.stream().filter(code -> code < 300).count())
                .isBetween(1, quota);
    }

    @Test
    void pathsAndBodiesThatAreNone() throws Exception {
        assertThat(send(hostile, "GET", SERVERS + "/%00", token, null).statusCode()).isEqualTo(400);
        String head =
                "POST %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: wrong\r\nTransfer-Encoding: chunked\r\n\r\n"
                        .formatted(SERVERS);
        byte[] chunk = ("10000\r\n" + " ".repeat(65_536) + "\r\n").getBytes(StandardCharsets.UTF_8);
        try (Socket socket = connections(1, head).getFirst()) {
            int chunks = 0;
            while (written(socket, chunk)) {
                assertThat(++chunks).as("64 KiB chunks of a refused body").isLessThan(1_000);
            }
        }
    }

    private interface Attack {
        void run() throws Exception;
    }

    /** Runs an attack and asks for another project's servers all the while. */
    private void whileOthersAreServed(Attack attack) throws Exception {
        long pid = region.pid("control");
        Future<?> running =
                threads.submit(
                        () -> {
                            attack.run();
                            return null;
                        });
        int answers = 0;
        while (!running.isDone() || answers == 0) {
            assertThat(send(bystander, "GET", SERVERS, admin, null).statusCode()).isEqualTo(200);
            answers++;
        }
        running.get();
        assertThat(region.pid("control")).as("the region's process").isEqualTo(pid);
        for (JsonNode node : region.status().at("/nodes")) {
            assertThat(node.at("/state").stringValue()).isEqualTo("up");
        }
    }

    private String join(Path file) {
        return Command.of(
                        List.of(
                                "curl",
                                "--silent",
                                "--show-error",
                                "--insecure",
                                "--http2",
                                "--include",
                                "--max-time",
                                "60",
                                "--header",
                                "Content-Type: application/grpc",
                                "--header",
                                "TE: trailers",
                                "--data-binary",
                                "@" + file,
                                "https://127.0.0.1:"
                                        + region.nodePort()
                                        + "/iod.node.v1.Region/Join"))
                .attempt()
                .output();
    }

    private <T> List<T> await(List<? extends Callable<T>> calls) throws Exception {
        List<T> results = new ArrayList<>();
        for (Future<T> future : threads.invokeAll(calls)) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                throw new AssertionError(e.getCause());
            }
        }
        return results;
    }

    /** Connections from the tenant's address, each with this text written. */
    private List<Socket> connections(int count, String text) throws IOException {
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Socket socket = new Socket();
            socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.2"), 0));
            socket.connect(new InetSocketAddress(api.getHost(), api.getPort()), 10_000);
            socket.setSoTimeout(90_000);
            sockets.add(socket);
            written(socket, text.getBytes(StandardCharsets.US_ASCII));
        }
        return sockets;
    }

    /** Whether the peer took it all; it may have closed the connection. */
    private static boolean written(Socket socket, byte[] bytes) {
        try {
            OutputStream out = socket.getOutputStream();
            out.write(bytes);
            out.flush();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void close(List<Socket> sockets) throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private static HttpClient client(String address) {
        try {
            return HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .localAddress(InetAddress.getByName(address))
                    .connectTimeout(Duration.ofSeconds(30))
                    .build();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private HttpRequest.Builder request(String path, String token) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(api.resolve(path)).timeout(Duration.ofSeconds(60));
        return token.isEmpty() ? request : request.header("X-Auth-Token", token);
    }

    /**
     * @param body JSON with ' for "; null for none
     */
    private HttpResponse<String> send(
            HttpClient from, String method, String path, String token, String body) {
        HttpRequest.Builder request = request(path, token);
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/json")
                    .method(method, HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')));
        }
        try {
            return from.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(method + " " + path + " got no answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static JsonNode json(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
        return Region.JSON.readTree(answer.body());
    }

    private String token(String name, String password, String scope) {
        String body =
                "{'auth':{'identity':{'methods':['password'],'password':{'user':{'name':'%s','password':'%s','domain':{'id':'default'}}}},'scope':{'project':{'name':'%s','domain':{'id':'default'}}}}}"
                        .formatted(name, password, scope);
        HttpResponse<String> answer = send(bystander, "POST", "/identity/v3/auth/tokens", "", body);
        json(answer);
        return answer.headers().firstValue("X-Subject-Token").orElseThrow();
    }
}
