package dev.iod.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of the region's public API, with one token for one project. */
final class Api {
    static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Of a question that is asked again. */
    private static final Duration SHORT_LIMIT = Duration.ofSeconds(2);

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();
    private final String base;
    private final String token;
    private final Duration limit;

    private Api(String base, String token, Duration limit) {
        this.base = base;
        this.token = token;
        this.limit = limit;
    }

    /** Nobody answered a request in time, or only that it cannot be served now (HTTP 5xx). */
    static final class NoAnswer extends CliException {
        private static final long serialVersionUID = 1;

        private NoAnswer(String message) {
            super(message);
        }

        private NoAnswer(String message, Throwable cause) {
            super(message, cause);
        }
    }

    record Answer(int status, JsonNode body, Optional<String> subjectToken) {}

    /** Signs in with a password. @throws CliException when the region refuses or does not answer */
    static Api signIn(String base, String user, String password, String project) {
        Map<String, Object> domain = Map.of("id", "default");
        Map<String, Object> auth =
                Map.of(
                        "auth",
                        Map.of(
                                "identity",
                                Map.of(
                                        "methods",
                                        List.of("password"),
                                        "password",
                                        Map.of(
                                                "user",
                                                Map.of(
                                                        "name",
                                                        user,
                                                        "password",
                                                        password,
                                                        "domain",
                                                        domain))),
                                "scope",
                                Map.of("project", Map.of("name", project, "domain", domain))));
        Answer answer =
                new Api(base, "", LIMIT)
                        .send(
                                "POST",
                                "/identity/v3/auth/tokens",
                                BodyPublishers.ofString(JSON.writeValueAsString(auth)),
                                "application/json");
        String token =
                answer.subjectToken()
                        .filter(ignored -> answer.status() == 201)
                        .orElseThrow(
                                () ->
                                        new CliException(
                                                "the region refused user '"
                                                        + user
                                                        + "' (HTTP "
                                                        + answer.status()
                                                        + "): "
                                                        + answer.body()));
        return new Api(base, token, LIMIT);
    }

    /** Whether a region answers there, within two seconds. */
    static boolean answers(String base) {
        try {
            return new Api(base, "", SHORT_LIMIT)
                            .send(
                                    "GET",
                                    "/identity/v3",
                                    BodyPublishers.noBody(),
                                    "application/json")
                            .status()
                    == 200;
        } catch (NoAnswer e) {
            return false;
        }
    }

    JsonNode get(String path) {
        return expect(
                send("GET", path, BodyPublishers.noBody(), "application/json"), "GET " + path);
    }

    JsonNode post(String path, Object body) {
        return expect(
                send(
                        "POST",
                        path,
                        BodyPublishers.ofString(JSON.writeValueAsString(body)),
                        "application/json"),
                "POST " + path);
    }

    void put(String path) {
        expect(send("PUT", path, BodyPublishers.noBody(), "application/json"), "PUT " + path);
    }

    void upload(String path, java.nio.file.Path file) {
        try {
            expect(
                    send("PUT", path, BodyPublishers.ofFile(file), "application/octet-stream"),
                    "PUT " + path);
        } catch (IOException e) {
            throw new CliException("cannot read " + file + ": " + CliException.reason(e), e);
        }
    }

    private static JsonNode expect(Answer answer, String what) {
        if (answer.status() / 100 != 2) {
            String text = what + " answered HTTP " + answer.status() + ": " + answer.body();
            throw answer.status() >= 500 ? new NoAnswer(text) : new CliException(text);
        }
        return answer.body();
    }

    private Answer send(String method, String path, BodyPublisher body, String type) {
        try {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(URI.create(base + path))
                            .timeout(limit)
                            .method(method, body)
                            .header("Content-Type", type)
                            .header("Accept", "application/json");
            if (!token.isEmpty()) {
                request.header("X-Auth-Token", token);
            }
            HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
            boolean json =
                    response.headers().firstValue("Content-Type").orElse("").contains("json");
            JsonNode tree =
                    json && !response.body().isEmpty()
                            ? JSON.readTree(response.body())
                            : JSON.getNodeFactory().stringNode(response.body());
            return new Answer(
                    response.statusCode(), tree, response.headers().firstValue("X-Subject-Token"));
        } catch (IOException e) {
            throw new NoAnswer(
                    "the region at " + base + " does not answer: " + CliException.reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }
}
