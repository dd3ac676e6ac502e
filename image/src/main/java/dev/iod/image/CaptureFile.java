package dev.iod.image;

import com.google.protobuf.ByteString;
import dev.iod.node.CaptureData;
import dev.iod.region.CaptureException;
import dev.iod.region.CaptureException.Category;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/** A content that arrives, in a file with holes where it has zeros. One thread at a time. */
final class CaptureFile implements AutoCloseable {
    private static final int MAX_DATA = 1 << 20;

    /** In one part: they are digested too, which takes a second. */
    static final long MAX_ZEROS = 256L << 20;

    private final RandomAccessFile file;
    private final FileChannel channel;
    private final long sizeBytes;
    private final Digests digests = new Digests();
    private long offset;

    private CaptureFile(RandomAccessFile file, long sizeBytes) {
        this.file = file;
        this.channel = file.getChannel();
        this.sizeBytes = sizeBytes;
    }

    /** An empty one; what was there is gone. */
    static CaptureFile create(Path path, long sizeBytes) throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            file.setLength(0);
            // Before anything is written: a file that grows is given space in advance, by XFS.
            file.setLength(sizeBytes);
            return new CaptureFile(file, sizeBytes);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    long offset() {
        return offset;
    }

    /**
     * @throws CaptureException BROKEN when it is not the next part, or not as it was sent
     */
    void take(CaptureData part) throws IOException {
        ByteString bytes = part.getData();
        long length = bytes.isEmpty() ? part.getZeros() : bytes.size();
        if (part.getOffset() != offset
                || length <= 0
                || length > sizeBytes - offset
                || bytes.size() > MAX_DATA
                || part.getZeros() > MAX_ZEROS
                || !bytes.isEmpty() && part.getZeros() != 0) {
            throw new CaptureException(
                    Category.BROKEN,
                    "%d bytes at %d are not what comes after %d of %d"
                            .formatted(length, part.getOffset(), offset, sizeBytes));
        }
        if (bytes.isEmpty()) {
            digests.zeros(length);
        } else {
            ByteBuffer data = bytes.asReadOnlyByteBuffer();
            CRC32C checksum = new CRC32C();
            checksum.update(data.duplicate());
            if ((int) checksum.getValue() != part.getCrc32C()) {
                throw new CaptureException(Category.BROKEN, "a checksum is wrong at " + offset);
            }
            digests.update(data);
            long at = offset;
            while (data.hasRemaining()) {
                at += channel.write(data, at);
            }
        }
        offset += length;
    }

    /**
     * @throws CaptureException BROKEN when more is to come
     */
    void requireWhole() {
        if (offset != sizeBytes) {
            throw new CaptureException(
                    Category.BROKEN, "it ended after %d of %d bytes".formatted(offset, sizeBytes));
        }
    }

    /** Makes it durable, once, when it is whole. */
    Image.Content finish() throws IOException {
        channel.force(true);
        return digests.content(sizeBytes);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
