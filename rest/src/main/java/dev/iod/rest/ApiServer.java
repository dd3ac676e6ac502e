package dev.iod.rest;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;

/**
 * The region's HTTP listener. One virtual thread per request; at most {@link #MAX_CONNECTIONS}
 * connections.
 */
public final class ApiServer implements AutoCloseable {
    /** Connections beyond this wait in the kernel's accept queue. */
    public static final int MAX_CONNECTIONS = 1024;

    private static final Duration IDLE = Duration.ofMinutes(2);

    private final WebServer server;

    private ApiServer(WebServer server) {
        this.server = server;
    }

    /**
     * Starts to listen.
     *
     * @param port 0 for any free port
     * @throws IllegalStateException when the port cannot be had
     */
    public static ApiServer start(
            InetAddress address,
            int port,
            List<Api> apis,
            Authenticator authenticator,
            Outcomes outcomes) {
        Dispatcher dispatcher = new Dispatcher(new Router(apis), authenticator, outcomes);
        WebServer server =
                WebServer.builder()
                        .address(address)
                        .port(port)
                        .maxTcpConnections(MAX_CONNECTIONS)
                        .idleConnectionTimeout(IDLE)
                        .shutdownHook(false)
                        .addRouting(
                                HttpRouting.builder()
                                        .any(
                                                (request, response) ->
                                                        answer(dispatcher, request, response)))
                        .build()
                        .start();
        if (!server.isRunning()) {
            // It only logs why, most likely that the port is taken.
            throw new IllegalStateException(
                    "the API cannot listen on %s:%d".formatted(address, port));
        }
        return new ApiServer(server);
    }

    /** The TCP port it listens on. */
    public int port() {
        return server.port();
    }

    /** Finishes running requests within the server's grace period and stops. */
    @Override
    public void close() {
        server.stop();
    }

    private static void answer(
            Dispatcher dispatcher, ServerRequest request, ServerResponse response) {
        String method = request.prologue().method().text();
        String host = request.headers().first(HeaderNames.HOST).orElse("127.0.0.1");
        Dispatcher.Raw raw =
                new Dispatcher.Raw(
                        "http://" + host,
                        method,
                        request.prologue().uriPath().path(),
                        request.query().rawValue(),
                        name -> request.headers().first(HeaderNames.create(name)),
                        () -> new BodyStream(request.content().inputStream()));
        Response answer = dispatcher.dispatch(raw);
        response.status(Status.create(answer.status()));
        answer.headers().forEach((name, value) -> response.header(name, value));
        boolean head = method.equals("HEAD");
        switch (answer.body()) {
            case Response.Body.Empty() -> response.send();
            case Response.Body.Bytes(String mediaType, byte[] bytes) -> {
                response.header(HeaderNames.CONTENT_TYPE, mediaType);
                if (head) {
                    response.send();
                } else {
                    response.send(bytes);
                }
            }
            case Response.Body.Stream stream -> send(response, stream, head);
        }
    }

    private static void send(ServerResponse response, Response.Body.Stream body, boolean head) {
        HeaderName type = HeaderNames.CONTENT_TYPE;
        response.header(type, body.mediaType());
        response.contentLength(body.sizeBytes());
        if (head) {
            response.send();
            return;
        }
        try (OutputStream stream = response.outputStream()) {
            Files.copy(body.file(), stream);
        } catch (IOException e) {
            // The status line is out; only breaking the connection tells the client.
            throw new java.io.UncheckedIOException(e);
        }
    }
}
