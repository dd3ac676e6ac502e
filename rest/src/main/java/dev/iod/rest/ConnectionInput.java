package dev.iod.rest;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** What comes in on a connection, buffered; no read waits beyond the deadline. */
final class ConnectionInput {
    private static final int BUFFER_BYTES = 8 << 10;

    private final Socket socket;
    private final InputStream stream;
    private final Deadline deadline;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int position;
    private int limit;

    ConnectionInput(Socket socket, Deadline deadline) throws IOException {
        this.socket = socket;
        this.stream = socket.getInputStream();
        this.deadline = deadline;
    }

    /** What is done with the connection now may take that long. */
    void allow(Duration time) {
        deadline.notBefore(time);
    }

    /** Waits until there is something to read; false at the stream's end. */
    boolean await() throws IOException {
        return position < limit || fill();
    }

    /**
     * The same for a while.
     *
     * @throws java.net.SocketTimeoutException when nothing comes in that time, or within the
     *     deadline
     */
    boolean await(Duration time) throws IOException {
        return position < limit || fill((int) Math.min(deadline.leftMillis(), time.toMillis()));
    }

    /**
     * The bytes before the next empty line, which is taken off too. Empty lines before them are
     * skipped (RFC 9112 §2.2).
     *
     * @return empty when the head is longer than {@code max}
     */
    Optional<byte[]> head(int max) throws IOException {
        byte[] head = new byte[512];
        int length = 0;
        while (length < max) {
            if (length == head.length) {
                head = Arrays.copyOf(head, Math.min(max, 2 * length));
            }
            head[length++] = next();
            if (length == 2 && head[0] == '\r' && head[1] == '\n') {
                length = 0;
            } else if (length > 4 && head[length - 1] == '\n' && endsEmpty(head, length)) {
                return Optional.of(Arrays.copyOf(head, length - 4));
            }
        }
        return Optional.empty();
    }

    /** Reads body bytes: at least one, or -1 at the end. What was moved buys time. */
    int read(byte[] bytes, int offset, int length) throws IOException {
        if (!await()) {
            return -1;
        }
        int count = Math.min(length, limit - position);
        System.arraycopy(buffer, position, bytes, offset, count);
        position += count;
        deadline.moved(count);
        return count;
    }

    /** A line without its end, of at most {@code max} bytes with it. */
    String line(int max) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < max; i++) {
            byte next = next();
            if (next == '\n' && !line.isEmpty() && line.charAt(line.length() - 1) == '\r') {
                line.setLength(line.length() - 1);
                return line.toString();
            }
            line.append((char) (next & 0xff));
        }
        throw new IOException("a line is too long");
    }

    /** The next byte. */
    byte next() throws IOException {
        if (!await()) {
            throw new EOFException("the client broke the request off");
        }
        return buffer[position++];
    }

    private boolean fill() throws IOException {
        return fill(deadline.leftMillis());
    }

    private boolean fill(int millis) throws IOException {
        socket.setSoTimeout(Math.max(1, millis));
        int count = stream.read(buffer);
        if (count < 0) {
            return false;
        }
        position = 0;
        limit = count;
        return true;
    }

    private static boolean endsEmpty(byte[] head, int length) {
        return new String(head, length - 4, 4, StandardCharsets.ISO_8859_1).equals("\r\n\r\n");
    }
}
