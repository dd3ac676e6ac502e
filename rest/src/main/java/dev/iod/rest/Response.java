package dev.iod.rest;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** What a handler answers: status, headers and a body. */
public record Response(int status, Map<String, String> headers, Body body) {

    /** A body. */
    public sealed interface Body {
        /** No body. */
        record Empty() implements Body {}

        /** Bytes in memory. */
        record Bytes(String mediaType, byte[] bytes) implements Body {}

        /** A file that is streamed. */
        record Stream(String mediaType, Path file, long sizeBytes) implements Body {}

        /** No body: the connection becomes a WebSocket, see {@link WebSocket#accept}. */
        record Upgrade(Duration idle, WebSocket.Handler handler) implements Body {}
    }

    /** Copies the headers. */
    public Response {
        headers = Map.copyOf(headers);
    }

    /** A JSON body. */
    public static Response json(int status, JsonNode node) {
        return new Response(status, Map.of(), new Body.Bytes("application/json", Json.bytes(node)));
    }

    /** 200 with a JSON body. */
    public static Response ok(JsonNode node) {
        return json(200, node);
    }

    /** A text body of the given media type. */
    public static Response text(int status, String mediaType, String text) {
        return new Response(
                status, Map.of(), new Body.Bytes(mediaType, text.getBytes(StandardCharsets.UTF_8)));
    }

    /** A status without body. */
    public static Response empty(int status) {
        return new Response(status, Map.of(), new Body.Empty());
    }

    /** 200 with the bytes of a file. */
    public static Response file(String mediaType, Path file, long sizeBytes) {
        return new Response(200, Map.of(), new Body.Stream(mediaType, file, sizeBytes));
    }

    /** The same with one more header. */
    public Response header(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Response(status, more, body);
    }
}
