package dev.iod.control.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
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
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        if (!token.isEmpty()) {
            request.header("X-Auth-Token", token);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            HttpResponse<String> response =
                    CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Answer(response.statusCode(), response.body(), response.headers());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
