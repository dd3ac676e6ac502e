package dev.iod.eswitch;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * Frames of the control protocol on one connection: length of the rest (32 bits), type (8),
 * exchange number (32), body. One thread receives; any thread sends.
 */
final class FrameChannel implements AutoCloseable {
    /** Names protocol and version; both ends send it first. */
    static final int VERSION = 0x1d0d_0001;

    /** Largest frame, bytes: one rule or value set must fit. */
    static final int MAX_FRAME = 16 << 20;

    private static final int HEADER = 5;
    private static final int BUFFER = 64 << 10;

    private final SocketChannel channel;
    private final ByteBuffer incoming = ByteBuffer.allocateDirect(BUFFER).flip();
    private final ByteBuffer outgoing = ByteBuffer.allocateDirect(BUFFER);

    FrameChannel(SocketChannel channel) {
        this.channel = channel;
    }

    /** What a frame is. */
    enum Type {
        /** Both ways, first frame: VERSION, then a name. */
        HELLO,
        /** Agent: starts a transaction; one boolean: whether it replaces the whole state. */
        BEGIN,
        /** Agent: one entity of the open transaction. */
        PUT,
        /** Agent: one key of the open transaction. */
        REMOVE,
        /** Agent: applies the open transaction; answered by DONE or FAILED. */
        COMMIT,
        /** Agent: a question, one byte of kind; answered by ANSWER or FAILED. */
        QUERY,
        /** Engine: the transaction is live. */
        DONE,
        /** Engine: category and message; nothing was applied. */
        FAILED,
        ANSWER,
        /** Engine: an event nobody asked for. */
        EVENT
    }

    record Frame(Type type, int exchange, byte[] body) {
        WireReader reader() {
            return new WireReader(body);
        }
    }

    /** Queues a frame; it may stay in the buffer until {@link #flush()}. */
    synchronized void write(Type type, int exchange, byte[] body) throws IOException {
        if (body.length > MAX_FRAME - HEADER) {
            throw new EngineException(
                    EngineException.Category.LIMIT,
                    "a control frame of " + body.length + " bytes; the limit is " + MAX_FRAME);
        }
        if (outgoing.remaining() < 4 + HEADER) {
            flush();
        }
        outgoing.putInt(HEADER + body.length).put((byte) type.ordinal()).putInt(exchange);
        int at = 0;
        while (at < body.length) {
            if (!outgoing.hasRemaining()) {
                flush();
            }
            int part = Math.min(outgoing.remaining(), body.length - at);
            outgoing.put(body, at, part);
            at += part;
        }
    }

    synchronized void send(Type type, int exchange, byte[] body) throws IOException {
        write(type, exchange, body);
        flush();
    }

    synchronized void flush() throws IOException {
        outgoing.flip();
        while (outgoing.hasRemaining()) {
            channel.write(outgoing);
        }
        outgoing.clear();
    }

    /** Waits for the next frame. */
    Frame receive() throws IOException {
        fill(4 + HEADER);
        int length = incoming.getInt();
        if (length < HEADER || length > MAX_FRAME) {
            throw WireReader.malformed("length " + length);
        }
        int type = incoming.get() & 0xff;
        if (type >= Type.values().length) {
            throw WireReader.malformed("unknown type " + type);
        }
        int exchange = incoming.getInt();
        byte[] body = new byte[length - HEADER];
        int at = 0;
        while (at < body.length) {
            if (!incoming.hasRemaining()) {
                fill(1);
            }
            int part = Math.min(incoming.remaining(), body.length - at);
            incoming.get(body, at, part);
            at += part;
        }
        return new Frame(Type.values()[type], exchange, body);
    }

    static byte[] hello(String name) {
        return new WireWriter().i32(VERSION).text(name).toArray();
    }

    /** The peer's name. */
    static String readHello(Frame frame) {
        WireReader in = frame.reader();
        int version = frame.type() == Type.HELLO ? in.i32() : 0;
        if (version != VERSION) {
            throw WireReader.malformed(
                    "expected HELLO of version "
                            + Integer.toHexString(VERSION)
                            + ", got "
                            + frame.type()
                            + " "
                            + Integer.toHexString(version));
        }
        return in.text();
    }

    private void fill(int atLeast) throws IOException {
        if (incoming.remaining() >= atLeast) {
            return;
        }
        incoming.compact();
        while (incoming.position() < atLeast) {
            if (channel.read(incoming) < 0) {
                throw new EOFException("the peer closed the control connection");
            }
        }
        incoming.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
