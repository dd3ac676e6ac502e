package dev.iod.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;
import java.util.Optional;

/** Reads lines of bounded length from a channel. Used by one thread. */
final class Lines {
    /** The longest request, event and line of QEMU. */
    static final int MAX_BYTES = 1 << 20;

    /** The longest reply of the daemon: the list of all machines with all their devices. */
    static final int MAX_REPLY_BYTES = 5 << 20;

    private final ReadableByteChannel channel;
    private final int maxBytes;
    private final ByteBuffer chunk = ByteBuffer.allocate(4096).limit(0);
    private byte[] line = new byte[512];
    private int length;

    Lines(ReadableByteChannel channel, int maxBytes) {
        this.channel = channel;
        this.maxBytes = maxBytes;
    }

    /**
     * The next line without its end; empty at the end of the stream. An unfinished last line is
     * dropped: its writer died.
     *
     * @throws HostException EXHAUSTED when a line is longer than allowed
     */
    Optional<byte[]> next() throws IOException {
        length = 0;
        while (true) {
            while (chunk.hasRemaining()) {
                byte b = chunk.get();
                if (b == '\n') {
                    byte[] whole = Arrays.copyOf(line, length);
                    line = line.length > 65536 ? new byte[512] : line;
                    return Optional.of(whole);
                }
                append(b);
            }
            chunk.clear();
            int read = channel.read(chunk);
            chunk.flip();
            if (read < 0) {
                return Optional.empty();
            }
        }
    }

    private void append(byte b) {
        if (length == line.length) {
            if (length == maxBytes) {
                throw new HostException(
                        HostException.Category.EXHAUSTED,
                        "a line is longer than " + maxBytes + " bytes");
            }
            line = Arrays.copyOf(line, Math.min(maxBytes, length * 2));
        }
        line[length++] = b;
    }
}
