package dev.iod.engine;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * Frames of a control protocol on one connection: length of the rest (32 bits), type (8), exchange
 * number (32), body. What types there are beside {@link #HELLO}, and what exchanges are, is the
 * protocol's matter. One thread receives; any thread sends.
 */
public final class FrameChannel implements AutoCloseable {
    /** Largest frame, bytes. */
    public static final int MAX_FRAME = 16 << 20;

    /** Type of the first frame, both ways: the protocol's version, then a name. */
    public static final int HELLO = 0;

    private static final int HEADER = 5;
    private static final int BUFFER = 64 << 10;

    private final SocketChannel channel;
    private final ByteBuffer incoming = ByteBuffer.allocateDirect(BUFFER).flip();
    private final ByteBuffer outgoing = ByteBuffer.allocateDirect(BUFFER);

    public FrameChannel(SocketChannel channel) {
        this.channel = channel;
    }

    /**
     * One message.
     *
     * @param type 0 to 255
     * @param exchange what an answer has in common with its question
     */
    public record Frame(int type, int exchange, byte[] body) {
        public WireReader reader() {
            return new WireReader(body);
        }
    }

    /** Queues a frame; it may stay in the buffer until {@link #flush()}. */
    public synchronized void write(int type, int exchange, byte[] body) throws IOException {
        if (body.length > MAX_FRAME - HEADER) {
            throw new EngineException(
                    EngineException.Category.LIMIT,
                    "a control frame of " + body.length + " bytes; the limit is " + MAX_FRAME);
        }
        if (outgoing.remaining() < 4 + HEADER) {
            flush();
        }
        outgoing.putInt(HEADER + body.length).put((byte) type).putInt(exchange);
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

    public synchronized void send(int type, int exchange, byte[] body) throws IOException {
        write(type, exchange, body);
        flush();
    }

    public synchronized void flush() throws IOException {
        outgoing.flip();
        while (outgoing.hasRemaining()) {
            channel.write(outgoing);
        }
        outgoing.clear();
    }

    /** Waits for the next frame. */
    public Frame receive() throws IOException {
        fill(4 + HEADER);
        int length = incoming.getInt();
        if (length < HEADER || length > MAX_FRAME) {
            throw WireReader.malformed("length " + length);
        }
        int type = incoming.get() & 0xff;
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
        return new Frame(type, exchange, body);
    }

    /** The body of a first frame. */
    public static byte[] hello(int version, String name) {
        return new WireWriter().i32(version).text(name).toArray();
    }

    /** The peer's name, from its first frame. */
    public static String readHello(Frame frame, int expected) {
        WireReader in = frame.reader();
        int version = frame.type() == HELLO ? in.i32() : 0;
        if (version != expected) {
            throw WireReader.malformed(
                    "expected HELLO of version "
                            + Integer.toHexString(expected)
                            + ", got type "
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
