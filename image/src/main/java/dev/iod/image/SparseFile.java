package dev.iod.image;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/** Files with holes. */
final class SparseFile {
    private static final int BUFFER_BYTES = 1 << 16;

    private SparseFile() {}

    /** What it takes of the disk. */
    static long storedBytes(Path file) {
        int fd = Linux.open(file, Linux.O_RDONLY);
        try {
            return Linux.status(fd).allocatedBytes();
        } finally {
            Linux.close(fd);
        }
    }

    /** Digests all its bytes, and reads none of its holes. */
    static void digest(Path file, MessageDigest digest) throws IOException {
        int fd = Linux.open(file, Linux.O_RDONLY);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            long at = 0;
            while (at < size) {
                long data = Math.min(Linux.nextData(fd, at), size);
                zeros(data - at, digest);
                long end = data < size ? Math.min(Linux.nextHole(fd, data), size) : size;
                data(channel, data, end, digest);
                at = end;
            }
        } finally {
            Linux.close(fd);
        }
    }

    private static void zeros(long count, MessageDigest digest) {
        byte[] zeros = new byte[BUFFER_BYTES];
        for (long left = count; left > 0; left -= BUFFER_BYTES) {
            digest.update(zeros, 0, (int) Math.min(left, BUFFER_BYTES));
        }
    }

    private static void data(FileChannel channel, long from, long to, MessageDigest digest)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        for (long at = from; at < to; at += buffer.limit()) {
            buffer.clear().limit((int) Math.min(BUFFER_BYTES, to - at));
            if (channel.read(buffer, at) < 0) {
                throw new IOException("the file ended while it was digested");
            }
            digest.update(buffer.flip());
        }
    }
}
