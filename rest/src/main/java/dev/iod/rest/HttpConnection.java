package dev.iod.rest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One connection and its requests, one after the other, on a virtual thread (RFC 9112). It reads no
 * further than the end of a request, and answers each with a length.
 */
final class HttpConnection implements Runnable {
    private static final System.Logger LOG = System.getLogger(HttpConnection.class.getName());

    /** Rest of a body that nobody wanted that is read to keep the connection. */
    private static final int DRAIN_BYTES = 64 << 10;

    /** How long a body is still read that was answered already. */
    private static final Duration LINGER = Duration.ofSeconds(5);

    /** How fast it is read at most when the connection ends with it. */
    private static final long LINGER_BYTES_PER_SECOND = 4L << 20;

    private static final int UNWANTED_BYTES = 8 << 10;
    private static final int SLICE_BYTES = 64 << 10;

    /** IMF-fixdate (RFC 9110 §5.6.7). */
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
                    .withZone(ZoneOffset.UTC);

    private final Socket socket;
    private final String source;
    private final Connections connections;
    private final Dispatcher dispatcher;
    private final ServerLimits limits;
    private final Deadline deadline;

    HttpConnection(
            Socket socket, Connections connections, Dispatcher dispatcher, ServerLimits limits) {
        this.socket = socket;
        this.source = Connections.source(socket.getInetAddress());
        this.connections = connections;
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.deadline = new Deadline(limits.bytesPerSecond());
        deadline.in(limits.head());
    }

    /** Whose share of connections it counts in. */
    String source() {
        return source;
    }

    boolean late(long nowNanos) {
        return deadline.passed(nowNanos);
    }

    /** Ends it from another thread, whatever it does. */
    void cut() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a connection", e);
        }
    }

    @Override
    public void run() {
        try (socket) {
            ConnectionInput input = new ConnectionInput(socket, deadline);
            OutputStream output = new BufferedOutputStream(socket.getOutputStream());
            while (serve(input, output) && connections.waits(this)) {
                deadline.in(limits.idle());
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a connection ended: " + e.getMessage());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a connection failed", e);
        } finally {
            connections.remove(this);
        }
    }

    /** Refuses before anything was read; for when there is no room. */
    void refuse() {
        try (socket) {
            // Fits into the send buffer of a new socket, so nobody waits here.
            write(
                    socket.getOutputStream(),
                    dispatcher.refuse(
                            "",
                            new ApiException(
                                    Fault.UNAVAILABLE,
                                    "Too many connections are open; try again.")),
                    new Manner(false, false, false));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "refusing a connection", e);
        }
    }

    /** How an answer is written. */
    private record Manner(boolean head, boolean keepAlive, boolean http10) {}

    /** One request; false when there will be no other. */
    private boolean serve(ConnectionInput input, OutputStream output) throws IOException {
        if (!input.await()) {
            return false;
        }
        deadline.in(limits.head());
        RequestHead head;
        RequestHead.Framing framing;
        try {
            byte[] text =
                    input.head(RequestHead.MAX_BYTES)
                            .orElseThrow(
                                    () ->
                                            new ApiException(
                                                    Fault.HEADERS_TOO_LARGE,
                                                    "The request's head is too long."));
            head = RequestHead.parse(text);
            framing = head.framing();
        } catch (ApiException e) {
            return malformed(input, output, e);
        } catch (SocketTimeoutException e) {
            return malformed(
                    input,
                    output,
                    new ApiException(Fault.TIMEOUT, "The request did not arrive in time.", e));
        }
        if (!connections.begins(this)) {
            return false;
        }
        deadline.in(limits.request());
        RequestBody body =
                new RequestBody(
                        input,
                        framing,
                        () -> {
                            if (head.expectsContinue()) {
                                output.write(ascii("HTTP/1.1 100 Continue\r\n\r\n"));
                                output.flush();
                            }
                        });
        boolean keepAlive;
        try (Exchange exchange = dispatcher.dispatch(raw(head, body))) {
            if (exchange.response().body()
                    instanceof Response.Body.Upgrade(Duration idle, WebSocket.Handler handler)) {
                if (!body.finished() || head.http10()) {
                    return refused(
                            input, output, ApiException.badRequest("A handshake has no body."));
                }
                output.write(switching(exchange.response()));
                output.flush();
                handler.handle(new WebSocketConnection(input, output, deadline, idle));
                linger(input); // Its last words are read, whatever the client still sends.
                return false;
            }
            keepAlive =
                    head.keepAlive()
                            && !WebSocketHandshake.isWanted(head.header("upgrade"))
                            && body.leftAtMost() <= DRAIN_BYTES
                            && (body.finished() || !head.expectsContinue());
            write(
                    output,
                    exchange.response(),
                    new Manner(head.method().equals("HEAD"), keepAlive, head.http10()));
        }
        body.refuse();
        if (keepAlive) {
            deadline.in(LINGER);
            return drain(body);
        }
        if (!body.finished()) {
            linger(input);
        }
        return false;
    }

    /**
     * Takes in what the client still sends: closing a connection with unread bytes resets it, and a
     * client that is told so while it sends never looks at its answer. The connection gives way to
     * others meanwhile.
     */
    private void linger(ConnectionInput input) throws IOException {
        socket.shutdownOutput();
        connections.waits(this);
        long end = System.nanoTime() + LINGER.toNanos();
        byte[] buffer = new byte[UNWANTED_BYTES];
        int count = 0;
        try {
            while (count >= 0) {
                Thread.sleep(
                        Duration.ofNanos(
                                count * Duration.ofSeconds(1).toNanos() / LINGER_BYTES_PER_SECOND));
                deadline.in(Duration.ofNanos(end - System.nanoTime()));
                count = input.read(buffer, 0, buffer.length);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private Dispatcher.Raw raw(RequestHead head, RequestBody body) {
        String host =
                head.header("host")
                        .filter(name -> !name.isEmpty())
                        .orElseGet(
                                () ->
                                        socket.getLocalAddress().getHostAddress()
                                                + ":"
                                                + socket.getLocalPort());
        return new Dispatcher.Raw(
                "http://" + host,
                "address " + source,
                head.method(),
                head.path(),
                head.query(),
                name -> head.header(name.toLowerCase(Locale.ROOT)),
                body);
    }

    /** Answers what is no request, and ends the connection: nobody knows where the next begins. */
    private boolean malformed(ConnectionInput input, OutputStream output, ApiException error)
            throws IOException {
        return connections.begins(this) && refused(input, output, error);
    }

    private boolean refused(ConnectionInput input, OutputStream output, ApiException error)
            throws IOException {
        deadline.in(LINGER);
        write(output, dispatcher.refuse("", error), new Manner(false, false, false));
        linger(input);
        return false;
    }

    /** Reads what is left of a body if it is little; whether that was all. */
    private static boolean drain(RequestBody body) throws IOException {
        byte[] buffer = new byte[UNWANTED_BYTES];
        int left = DRAIN_BYTES;
        while (!body.finished() && left > 0) {
            left -= Math.max(0, body.read(buffer, 0, Math.min(left, buffer.length)));
        }
        return body.finished();
    }

    private void write(OutputStream output, Response response, Manner manner) throws IOException {
        switch (response.body()) {
            case Response.Body.Empty() -> output.write(head(response, Optional.empty(), 0, manner));
            case Response.Body.Upgrade _ ->
                    throw new IllegalStateException("a WebSocket is not written as an answer");
            case Response.Body.Bytes(String mediaType, byte[] bytes) -> {
                output.write(head(response, Optional.of(mediaType), bytes.length, manner));
                for (int at = 0; !manner.head() && at < bytes.length; at += SLICE_BYTES) {
                    int count = Math.min(SLICE_BYTES, bytes.length - at);
                    output.write(bytes, at, count);
                    deadline.moved(count);
                }
            }
            case Response.Body.Stream(String mediaType, var file, long size) -> {
                // Opened first: what is not there must not be announced.
                try (FileChannel bytes = FileChannel.open(file, StandardOpenOption.READ)) {
                    output.write(head(response, Optional.of(mediaType), size, manner));
                    if (!manner.head()) {
                        copy(Channels.newInputStream(bytes), output, size);
                    }
                } catch (NoSuchFileException e) {
                    ApiException gone =
                            new ApiException(Fault.NOT_FOUND, "The data was deleted.", e);
                    write(output, dispatcher.refuse("", gone), manner);
                }
            }
        }
        output.flush();
    }

    private void copy(InputStream from, OutputStream output, long size) throws IOException {
        byte[] buffer = new byte[SLICE_BYTES];
        for (long left = size; left > 0; ) {
            int count = from.read(buffer, 0, (int) Math.min(left, buffer.length));
            if (count < 0) {
                // The status line is out; only breaking the connection tells the client.
                throw new SocketException("the file is shorter than announced");
            }
            output.write(buffer, 0, count);
            deadline.moved(count);
            left -= count;
        }
    }

    /** The head of an answer after which HTTP is no longer spoken (RFC 9110 §15.2.2). */
    private static byte[] switching(Response response) {
        StringBuilder text = new StringBuilder("HTTP/1.1 101 Switching Protocols");
        header(text, "Connection", "Upgrade");
        response.headers().forEach((name, value) -> header(text, name, value));
        return ascii(text.append("\r\n\r\n").toString());
    }

    private static byte[] head(
            Response response, Optional<String> mediaType, long length, Manner manner) {
        StringBuilder text = new StringBuilder("HTTP/1.1 ");
        text.append(response.status()).append(' ').append(reason(response.status()));
        header(text, "Date", DATE.format(Instant.now()));
        response.headers().forEach((name, value) -> header(text, name, value));
        mediaType.ifPresent(type -> header(text, "Content-Type", type));
        if (response.status() != 204) {
            header(text, "Content-Length", Long.toString(length));
        }
        if (!manner.keepAlive()) {
            header(text, "Connection", "close");
        } else if (manner.http10()) {
            header(text, "Connection", "keep-alive");
        }
        return ascii(text.append("\r\n\r\n").toString());
    }

    private static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 201 -> "Created";
            case 202 -> "Accepted";
            case 204 -> "No Content";
            case 300 -> "Multiple Choices";
            default ->
                    Stream.of(Fault.values())
                            .filter(fault -> fault.status() == status)
                            .map(Fault::title)
                            .findFirst()
                            .orElse("");
        };
    }

    private static void header(StringBuilder text, String name, String value) {
        if (value.indexOf('\r') >= 0 || value.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("the header " + name + " has a line break");
        }
        text.append("\r\n").append(name).append(": ").append(value);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
