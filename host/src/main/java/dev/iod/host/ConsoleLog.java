package dev.iod.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The newest console output of one machine in two files of bounded size, the older of which goes
 * when the newer is full. Survives the daemon. Any thread may use it.
 */
final class ConsoleLog {
    /** The most that is kept on disk. */
    static final int MAX_BYTES = 1 << 20;

    private static final int MAX_FILE_BYTES = MAX_BYTES / 2;

    private final Path newer;
    private final Path older;
    private final ReentrantLock lock = new ReentrantLock();

    ConsoleLog(Path file) {
        this.newer = file;
        this.older = file.resolveSibling(file.getFileName() + ".1");
    }

    void append(byte[] output) throws IOException {
        lock.lock();
        try {
            int from = Math.max(0, output.length - MAX_BYTES);
            while (from < output.length) {
                long size = Files.exists(newer) ? Files.size(newer) : 0;
                if (size >= MAX_FILE_BYTES) {
                    Files.move(newer, older, StandardCopyOption.REPLACE_EXISTING);
                    size = 0;
                }
                int part = (int) Math.min(output.length - from, MAX_FILE_BYTES - size);
                Files.write(
                        newer,
                        Arrays.copyOfRange(output, from, from + part),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
                from += part;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The newest output, at most so many bytes. */
    byte[] tail(int maxBytes) throws IOException {
        lock.lock();
        try {
            byte[] end = tail(newer, maxBytes);
            byte[] start = tail(older, maxBytes - end.length);
            byte[] both = Arrays.copyOf(start, start.length + end.length);
            System.arraycopy(end, 0, both, start.length, end.length);
            return both;
        } finally {
            lock.unlock();
        }
    }

    /** The last bytes of a file, none when it does not exist. */
    static byte[] tail(Path file, int maxBytes) throws IOException {
        if (maxBytes == 0 || !Files.exists(file)) {
            return new byte[0];
        }
        try (FileChannel channel = FileChannel.open(file)) {
            long from = Math.max(0, channel.size() - maxBytes);
            ByteBuffer buffer = ByteBuffer.allocate((int) (channel.size() - from));
            while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) >= 0) {
                // Reads until full, or the file is shorter than it was.
            }
            return Arrays.copyOf(buffer.array(), buffer.position());
        }
    }
}
