package dev.iod.rest;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/** The opening handshake (RFC 6455 §4.2). */
final class WebSocketHandshake {
    private static final String VERSION = "13";
    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final int UPGRADE_REQUIRED = 426;
    private static final int KEY_BYTES = 16;

    /** The one subprotocol: bytes as they are. Clients that ask for none get none. */
    private static final String SUBPROTOCOL = "binary";

    private WebSocketHandshake() {}

    /** Whether an {@code Upgrade} is to a WebSocket: one that is refused has no other request. */
    static boolean isWanted(Optional<String> upgrade) {
        return lists(upgrade, "websocket");
    }

    static Response accept(Request request, Duration idle, WebSocket.Handler handler) {
        if (!request.method().equals("GET")
                || !isWanted(request.header("Upgrade"))
                || !lists(request.header("Connection"), "upgrade")) {
            throw ApiException.badRequest("A WebSocket handshake is expected here.");
        }
        if (!request.header("Sec-WebSocket-Version").equals(Optional.of(VERSION))) {
            return Response.empty(UPGRADE_REQUIRED).header("Sec-WebSocket-Version", VERSION);
        }
        String key =
                request.header("Sec-WebSocket-Key")
                        .filter(WebSocketHandshake::isKey)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "The header Sec-WebSocket-Key is malformed."));
        Response response =
                new Response(101, Map.of(), new Response.Body.Upgrade(idle, handler))
                        .header("Upgrade", "websocket")
                        .header("Sec-WebSocket-Accept", answer(key));
        return lists(request.header("Sec-WebSocket-Protocol"), SUBPROTOCOL)
                ? response.header("Sec-WebSocket-Protocol", SUBPROTOCOL)
                : response;
    }

    private static boolean lists(Optional<String> header, String token) {
        return header.stream()
                .flatMap(value -> Arrays.stream(value.split(",", -1)))
                .anyMatch(value -> value.strip().equalsIgnoreCase(token));
    }

    private static boolean isKey(String text) {
        try {
            return Base64.getDecoder().decode(text).length == KEY_BYTES;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static String answer(String key) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-1")
                            .digest((key + GUID).getBytes(StandardCharsets.US_ASCII));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }
}
