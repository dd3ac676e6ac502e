package dev.iod.block;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;

/** Frames of the control protocol: a 32-bit length, then so many bytes. One thread at a time. */
final class FrameChannel implements AutoCloseable {
    /** Names protocol and version; both ends send it first. */
    static final int VERSION = 0x1d0d_b002;

    static final int MAX_FRAME = 16 << 20;

    private final SocketChannel channel;
    private final DataInputStream in;
    private final DataOutputStream out;

    FrameChannel(SocketChannel channel) {
        this.channel = channel;
        in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
        out = new DataOutputStream(Channels.newOutputStream(channel));
    }

    void send(byte[] frame) throws IOException {
        byte[] all = new byte[4 + frame.length];
        all[0] = (byte) (frame.length >>> 24);
        all[1] = (byte) (frame.length >>> 16);
        all[2] = (byte) (frame.length >>> 8);
        all[3] = (byte) frame.length;
        System.arraycopy(frame, 0, all, 4, frame.length);
        out.write(all);
    }

    byte[] receive() throws IOException {
        int length = in.readInt();
        if (length < 0 || length > MAX_FRAME) {
            throw CommandCodec.malformed("length " + length);
        }
        byte[] frame = in.readNBytes(length);
        if (frame.length < length) {
            throw new java.io.EOFException("the peer closed inside a frame");
        }
        return frame;
    }

    /** Sends this end's name and checks the other's. @return the peer's name */
    String greet(String name) throws IOException {
        send(
                CommandCodec.bytes(
                        o -> {
                            o.writeInt(VERSION);
                            o.writeUTF(name);
                        }));
        return CommandCodec.parse(
                receive(),
                i -> {
                    int version = i.readInt();
                    if (version != VERSION) {
                        throw CommandCodec.malformed(
                                "expected version "
                                        + Integer.toHexString(VERSION)
                                        + ", got "
                                        + Integer.toHexString(version));
                    }
                    return i.readUTF();
                });
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
