package dev.iod.rest;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Frames (RFC 6455 §5) on a connection after its handshake. Silence is asked about by a ping at
 * half of the time that a client may say nothing; the connection is cut at its end.
 */
final class WebSocketConnection implements WebSocket {
    private static final System.Logger LOG = System.getLogger(WebSocketConnection.class.getName());

    private static final int CONTINUATION = 0x0;
    private static final int TEXT = 0x1;
    private static final int BINARY = 0x2;
    private static final int CLOSE = 0x8;
    private static final int PING = 0x9;
    private static final int PONG = 0xA;

    private static final int FIN = 0x80;
    private static final int RESERVED = 0x70;
    private static final int OPCODE = 0x0f;
    private static final int MASKED = 0x80;
    private static final int LENGTH = 0x7f;
    private static final int MAX_CONTROL_BYTES = 125;
    private static final int LENGTH_16 = 126;
    private static final int LENGTH_64 = 127;
    private static final int MASK_BYTES = 4;
    private static final int MAX_REASON = 100;

    /** Frames of one message; fewer bytes than their headers is no way to send one. */
    private static final int MAX_FRAGMENTS = 1024;

    /** How long the client's answer to a good-bye is waited for. */
    private static final Duration GOODBYE = Duration.ofSeconds(2);

    private final ConnectionInput input;
    private final OutputStream output;
    private final Deadline deadline;
    private final Duration idle;
    private final ReentrantLock sending = new ReentrantLock();
    private final AtomicBoolean closing = new AtomicBoolean();
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();
    private int fragments;
    private boolean text;
    private boolean over;

    WebSocketConnection(
            ConnectionInput input, OutputStream output, Deadline deadline, Duration idle) {
        this.input = input;
        this.output = output;
        this.deadline = deadline;
        this.idle = idle;
        deadline.in(idle);
    }

    /** What is wrong with a frame, and ends the connection. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final Close why;

        Refused(Close why, String reason) {
            super(reason);
            this.why = why;
        }
    }

    private record Frame(boolean last, int opcode, byte[] payload) {}

    @Override
    public Optional<byte[]> read() throws IOException {
        Optional<byte[]> next = over ? Optional.empty() : next();
        over = next.isEmpty();
        return next;
    }

    private Optional<byte[]> next() throws IOException {
        try {
            while (true) {
                Frame frame = frame();
                deadline.again(idle);
                switch (frame.opcode()) {
                    case PING -> send(PONG, frame.payload());
                    case PONG -> {}
                    case CLOSE -> {
                        answerClose(frame.payload());
                        return Optional.empty();
                    }
                    default -> {
                        Optional<byte[]> whole = assemble(frame);
                        if (whole.isPresent() && !closing.get()) {
                            return whole;
                        }
                    }
                }
            }
        } catch (Refused e) {
            close(e.why, String.valueOf(e.getMessage()));
            return Optional.empty();
        } catch (SocketTimeoutException e) {
            close(Close.POLICY, "nothing was heard for too long");
            return Optional.empty();
        }
    }

    /** Adds a frame of data to the message. */
    private Optional<byte[]> assemble(Frame frame) throws Refused {
        boolean begins = frame.opcode() != CONTINUATION;
        if (begins == fragments > 0) {
            throw new Refused(
                    Close.PROTOCOL_ERROR,
                    begins
                            ? "a message began within another"
                            : "a message was continued that had not begun");
        }
        if (begins) {
            text = frame.opcode() == TEXT;
        }
        fragments++;
        if (message.size() + frame.payload().length > MAX_MESSAGE_BYTES
                || fragments > MAX_FRAGMENTS) {
            throw new Refused(Close.TOO_BIG, "a message has at most 65536 bytes");
        }
        message.writeBytes(frame.payload());
        if (!frame.last()) {
            return Optional.empty();
        }
        byte[] whole = message.toByteArray();
        message.reset();
        fragments = 0;
        if (text && !isUtf8(whole)) {
            throw new Refused(Close.NOT_UTF8, "a text is not UTF-8");
        }
        return Optional.of(whole);
    }

    private Frame frame() throws IOException, Refused {
        awaitFrame();
        int first = input.next() & 0xff;
        int second = input.next() & 0xff;
        int opcode = first & OPCODE;
        boolean last = (first & FIN) != 0;
        boolean control = opcode >= CLOSE;
        if ((first & RESERVED) != 0 || !isKnown(opcode)) {
            throw new Refused(Close.PROTOCOL_ERROR, "a reserved bit or an unknown opcode");
        }
        if ((second & MASKED) == 0) {
            throw new Refused(Close.PROTOCOL_ERROR, "a frame without a mask");
        }
        long length = length(second & LENGTH);
        if (control && (!last || length > MAX_CONTROL_BYTES)) {
            throw new Refused(Close.PROTOCOL_ERROR, "a control frame that is long or in parts");
        }
        if (length > MAX_MESSAGE_BYTES) {
            throw new Refused(Close.TOO_BIG, "a frame has at most 65536 bytes");
        }
        byte[] mask = bytes(MASK_BYTES);
        byte[] payload = bytes((int) length);
        for (int i = 0; i < payload.length; i++) {
            payload[i] ^= mask[i % MASK_BYTES];
        }
        return new Frame(last, opcode, payload);
    }

    /** Waits for a frame's first byte; asks a silent client once whether it lives. */
    private void awaitFrame() throws IOException {
        if (closing.get()) {
            requireMore(input.await());
            return;
        }
        try {
            requireMore(input.await(idle.dividedBy(2)));
        } catch (SocketTimeoutException e) {
            send(PING, new byte[0]);
            requireMore(input.await());
        }
    }

    private static void requireMore(boolean more) throws EOFException {
        if (!more) {
            throw new EOFException("the client went without a word");
        }
    }

    private static boolean isKnown(int opcode) {
        return switch (opcode) {
            case CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG -> true;
            default -> false;
        };
    }

    /** The length; not in more bytes than it needs (§5.2). */
    private long length(int seven) throws IOException, Refused {
        return switch (seven) {
            case LENGTH_16 -> {
                int length = ByteBuffer.wrap(bytes(2)).getShort() & 0xffff;
                if (length <= MAX_CONTROL_BYTES) {
                    throw new Refused(Close.PROTOCOL_ERROR, "a length in too many bytes");
                }
                yield length;
            }
            case LENGTH_64 -> {
                long length = ByteBuffer.wrap(bytes(8)).getLong();
                if (length < 0 || length <= 0xffff) {
                    throw new Refused(Close.PROTOCOL_ERROR, "a length in too many bytes");
                }
                yield length;
            }
            default -> seven;
        };
    }

    private byte[] bytes(int count) throws IOException {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; ) {
            int read = input.read(bytes, at, count - at);
            requireMore(read >= 0);
            at += read;
        }
        return bytes;
    }

    /** The client's good-bye, or its answer to ours (§5.5.1, §7.4). */
    private void answerClose(byte[] payload) throws Refused {
        if (payload.length == 1
                || (payload.length >= 2 && !isCode(ByteBuffer.wrap(payload).getShort() & 0xffff))
                || !isUtf8(
                        Arrays.copyOfRange(payload, Math.min(2, payload.length), payload.length))) {
            throw new Refused(Close.PROTOCOL_ERROR, "a malformed good-bye");
        }
        close(Close.NORMAL, "");
    }

    private static boolean isCode(int code) {
        return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006)
                || (code >= 3000 && code <= 4999);
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    @Override
    public void write(byte[] data) throws IOException {
        if (!send(BINARY, data)) {
            throw new IOException("the connection was closed");
        }
    }

    /** Sends a frame; false after the server's good-bye, when nothing may follow (§5.5.1). */
    private boolean send(int opcode, byte[] payload) throws IOException {
        sending.lock();
        try {
            boolean open = !closing.get();
            if (open) {
                frame(opcode, payload);
            }
            return open;
        } finally {
            sending.unlock();
        }
    }

    private void frame(int opcode, byte[] payload) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(10);
        head.put((byte) (FIN | opcode));
        if (payload.length <= MAX_CONTROL_BYTES) {
            head.put((byte) payload.length);
        } else if (payload.length <= 0xffff) {
            head.put((byte) LENGTH_16).putShort((short) payload.length);
        } else {
            head.put((byte) LENGTH_64).putLong(payload.length);
        }
        output.write(head.array(), 0, head.position());
        output.write(payload);
        output.flush();
    }

    @Override
    public void close(Close why, String reason) {
        if (reason.length() > MAX_REASON) {
            throw new IllegalArgumentException("a reason has at most 100 characters");
        }
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        deadline.last(GOODBYE); // Also for a writer that waits for the client.
        sending.lock();
        try {
            byte[] words = reason.getBytes(StandardCharsets.US_ASCII);
            frame(
                    CLOSE,
                    ByteBuffer.allocate(2 + words.length)
                            .putShort((short) why.code())
                            .put(words)
                            .array());
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a good-bye was not heard: " + e.getMessage());
        } finally {
            sending.unlock();
        }
    }
}
