package dev.iod.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads numbers and texts of a file wherever they are. Bytes outside of it are zeros: a header that
 * is cut off then fails by what it lacks.
 */
record ImageBytes(FileChannel file, long size) implements AutoCloseable {
    private static final int SECTOR_BYTES = 512;

    static ImageBytes open(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        return new ImageBytes(file, file.size());
    }

    /**
     * Where the last whole sector of 512 bytes begins as QEMU counts them: it rounds the size of a
     * file up to sectors, and reads zeros behind its end.
     *
     * @param before sectors that follow
     */
    long sectorFromEnd(int before) {
        return (size + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES
                - (before + 1L) * SECTOR_BYTES;
    }

    /** An unsigned number of 32 bits. */
    long uint(long offset, ByteOrder order) throws IOException {
        return read(offset, 4).order(order).getInt(0) & 0xffff_ffffL;
    }

    /** A number of 64 bits; one beyond 2^63 - 1 is negative. */
    long number(long offset, ByteOrder order) throws IOException {
        return read(offset, 8).order(order).getLong(0);
    }

    /** In ISO 8859-1, which has a character for every byte. */
    String text(long offset, int length) throws IOException {
        return new String(read(offset, length).array(), StandardCharsets.ISO_8859_1);
    }

    boolean startsWith(long offset, String magic) throws IOException {
        return text(offset, magic.length()).equals(magic);
    }

    private ByteBuffer read(long offset, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        if (offset >= 0 && offset < size) {
            int count = 0;
            while (buffer.hasRemaining() && count >= 0) {
                count = file.read(buffer, offset + buffer.position());
            }
        }
        return buffer.rewind().limit(length);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
