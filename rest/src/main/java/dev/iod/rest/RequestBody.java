package dev.iod.rest;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * The body of one request as a stream that ends where the body ends. Chunks are read as they come,
 * whatever size they announce.
 */
final class RequestBody extends InputStream {
    /** Longest line of a chunk's size with extensions, and longest trailer. */
    private static final int MAX_LINE_BYTES = 1024;

    private static final int MAX_TRAILERS = 32;

    private final ConnectionInput input;
    private final boolean chunked;
    private final Invitation invitation;
    private final long length;
    private boolean invited;
    private boolean started;
    private long left;
    private boolean finished;

    /** Tells a client that waits for it (RFC 9110 §10.1.1) to send the body. */
    @FunctionalInterface
    interface Invitation {
        void send() throws IOException;
    }

    RequestBody(ConnectionInput input, RequestHead.Framing framing, Invitation invitation) {
        this.input = input;
        this.invitation = invitation;
        this.chunked = framing instanceof RequestHead.Framing.Chunked;
        this.length = framing instanceof RequestHead.Framing.Length(long bytes) ? bytes : 0;
        this.left = length;
        this.finished = !chunked && left == 0;
    }

    /** Whether the last byte was read. */
    boolean finished() {
        return finished;
    }

    /** The length of the body; empty when it comes in chunks. */
    OptionalLong announcedBytes() {
        return chunked ? OptionalLong.empty() : OptionalLong.of(length);
    }

    /** Nobody will ask the client for the body any more; what comes can still be read. */
    void refuse() {
        invited = true;
    }

    /** What follows on it may take that long. */
    void allow(Duration time) {
        input.allow(time);
    }

    /** Bytes that are still to come, if that is known; chunks may be any number. */
    long leftAtMost() {
        return chunked && !finished ? Long.MAX_VALUE : left;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (finished) {
            return -1;
        }
        if (length == 0) {
            return 0;
        }
        if (!invited) {
            invited = true;
            invitation.send();
        }
        if (left == 0) {
            nextChunk();
            if (finished) {
                return -1;
            }
        }
        int count = input.read(bytes, offset, (int) Math.min(length, left));
        if (count < 0) {
            throw new EOFException("the client broke the request off");
        }
        left -= count;
        finished = !chunked && left == 0;
        return count;
    }

    private void nextChunk() throws IOException {
        if (started && !input.line(2).isEmpty()) {
            throw new IOException("a chunk does not end where it should");
        }
        started = true;
        String size = input.line(MAX_LINE_BYTES).split(";", 2)[0].strip();
        if (!size.matches("[0-9A-Fa-f]{1,15}")) {
            throw new IOException("the size of a chunk is malformed");
        }
        left = Long.parseLong(size, 16);
        if (left > 0) {
            return;
        }
        for (int i = 0; !input.line(MAX_LINE_BYTES).isEmpty(); i++) {
            if (i == MAX_TRAILERS) {
                throw new IOException("too many trailers");
            }
        }
        finished = true;
    }
}
