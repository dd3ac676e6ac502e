package dev.iod.rest.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sends requests to a running API as one caller. */
public final class HttpCaller {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final String base;
    private final String token;

    /**
     * @param base scheme, host, port and perhaps a path prefix
     * @param token empty for none
     */
    public HttpCaller(String base, String token) {
        this.base = base;
        this.token = token;
    }

    /** An answer. */
    public record Answer(int status, String text, java.net.http.HttpHeaders headers) {
        /** The body as JSON. */
        public JsonNode json() {
            return MAPPER.readTree(text);
        }
    }

    /** GET. */
    public Answer get(String path, String... headers) {
        return send("GET", path, "", headers);
    }

    /** DELETE. */
    public Answer delete(String path, String... headers) {
        return send("DELETE", path, "", headers);
    }

    /** POST of JSON, in which single quotes stand for double ones. */
    public Answer post(String path, String json, String... headers) {
        return send("POST", path, json.replace('\'', '"'), headers);
    }

    /** PUT of JSON, in which single quotes stand for double ones. */
    public Answer put(String path, String json, String... headers) {
        return send("PUT", path, json.replace('\'', '"'), headers);
    }

    /** The token. */
    public String token() {
        return token;
    }

    /** PUT of bytes. */
    public Answer upload(String path, byte[] data) {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(Duration.ofSeconds(60))
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(data))
                        .header("Content-Type", "application/octet-stream")
                        .header("X-Auth-Token", token)
                        .build();
        HttpResponse<String> response = exchange(request, HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body(), response.headers());
    }

    /** GET of bytes. */
    public byte[] download(String path) {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(Duration.ofSeconds(60))
                        .header("X-Auth-Token", token)
                        .build();
        return exchange(request, HttpResponse.BodyHandlers.ofByteArray()).body();
    }

    /** Any request; {@code headers} are names and values in turn. */
    public Answer send(String method, String path, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(Duration.ofSeconds(30))
                        .method(
                                method,
                                body.isEmpty()
                                        ? HttpRequest.BodyPublishers.noBody()
                                        : HttpRequest.BodyPublishers.ofString(body));
        if (!body.isEmpty() && !List.of(headers).contains("Content-Type")) {
            request.header("Content-Type", "application/json");
        }
        if (!token.isEmpty()) {
            request.header("X-Auth-Token", token);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> response =
                exchange(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body(), response.headers());
    }

    private static <T> HttpResponse<T> exchange(
            HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        try {
            return CLIENT.send(request, handler);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
