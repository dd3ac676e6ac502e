package dev.iod.rest;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * The server's end of a WebSocket (RFC 6455). One thread may read while another writes; any may
 * close. A client that breaks the protocol is told so and gets no further.
 */
public interface WebSocket extends AutoCloseable {
    /** Most bytes of one frame, and of one message. */
    int MAX_MESSAGE_BYTES = 64 << 10;

    /** Why an end closes a connection (RFC 6455 §7.4.1). */
    enum Close {
        /** What it was for is done. */
        NORMAL(1000),
        /** The server stops, or what it was for has gone. */
        GOING_AWAY(1001),
        PROTOCOL_ERROR(1002),
        /** A text that is not UTF-8. */
        NOT_UTF8(1007),
        /** What the client does is not allowed, such as to say nothing for too long. */
        POLICY(1008),
        TOO_BIG(1009),
        INTERNAL(1011);

        private final int code;

        Close(int code) {
            this.code = code;
        }

        /** The code on the wire. */
        public int code() {
            return code;
        }
    }

    /**
     * Waits for the next message. A text is its bytes in UTF-8: clients of consoles send either.
     *
     * @return empty when the client has closed, or was closed because it broke the protocol, and
     *     from then on
     * @throws IOException when the connection is lost
     */
    Optional<byte[]> read() throws IOException;

    /**
     * Sends a binary message, waiting until the client's window takes it.
     *
     * @throws IOException when the connection is lost, or closed
     */
    void write(byte[] message) throws IOException;

    /**
     * Says good-bye, once; the first reason counts. A reader gets the client's answer, or is
     * released soon.
     *
     * @param reason at most 100 characters of ASCII
     */
    void close(Close why, String reason);

    @Override
    default void close() {
        close(Close.NORMAL, "");
    }

    /** Has a WebSocket until it returns. */
    @FunctionalInterface
    interface Handler {
        /** Runs on the connection's own virtual thread. */
        void handle(WebSocket socket) throws IOException;
    }

    /**
     * Asks whether a request wants a WebSocket (RFC 6455 §4.2.1), and answers so.
     *
     * @param idle how long a client may say nothing, not even answer a ping
     * @param handler has it then
     * @return 101 to be returned by the route's handler, or 426 for another version
     * @throws ApiException 400 when the request is no handshake
     */
    static Response accept(Request request, Duration idle, Handler handler) {
        return WebSocketHandshake.accept(request, idle, handler);
    }
}
