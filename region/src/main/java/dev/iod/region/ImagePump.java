package dev.iod.region;

import com.google.protobuf.ByteString;
import dev.iod.node.ImageChunk;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Sends a file in chunks, only as fast as the node takes them: one chunk is in memory. gRPC calls
 * it whenever the stream can take more, from one thread at a time.
 */
final class ImagePump {
    private static final System.Logger LOG = System.getLogger(ImagePump.class.getName());
    private static final int CHUNK_BYTES = 1 << 20;

    /** Most zeros that are read before others have the thread again. */
    private static final long ZEROS_BYTES = 256L << 20;

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(CHUNK_BYTES).asReadOnlyBuffer();

    private final FileChannel file;
    private final boolean tellsZeros;
    private final ServerCallStreamObserver<ImageChunk> chunks;
    private long offset;
    private boolean done;

    private ImagePump(
            FileChannel file,
            long offset,
            boolean tellsZeros,
            ServerCallStreamObserver<ImageChunk> chunks) {
        this.file = file;
        this.offset = offset;
        this.tellsZeros = tellsZeros;
        this.chunks = chunks;
    }

    /**
     * @param tellsZeros whether zeros are told by their number, which is only for nodes that
     *     understand it
     */
    static void start(
            Path path,
            long offset,
            boolean tellsZeros,
            ServerCallStreamObserver<ImageChunk> chunks) {
        try {
            FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
            if (offset < 0 || offset > file.size()) {
                file.close();
                chunks.onError(
                        Status.OUT_OF_RANGE
                                .withDescription("offset " + offset + " is not in the image")
                                .asRuntimeException());
                return;
            }
            ImagePump pump = new ImagePump(file, offset, tellsZeros, chunks);
            chunks.setOnCancelHandler(pump::finish);
            chunks.setOnReadyHandler(pump::run);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "image not readable path=" + path, e);
            chunks.onError(
                    Status.UNAVAILABLE
                            .withDescription("the image cannot be read")
                            .asRuntimeException());
        }
    }

    private void run() {
        try {
            ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES);
            while (!done && chunks.isReady()) {
                int count = file.read(buffer.clear(), offset);
                if (count < 0) {
                    finish();
                    chunks.onCompleted();
                    return;
                }
                offset += count;
                buffer.flip();
                chunks.onNext(
                        tellsZeros && isZero(buffer)
                                ? ImageChunk.newBuilder().setZeros(count + zeros(buffer)).build()
                                : ImageChunk.newBuilder()
                                        .setData(ByteString.copyFrom(buffer))
                                        .build());
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "image not readable", e);
            finish();
            chunks.onError(
                    Status.UNAVAILABLE
                            .withDescription("the image cannot be read")
                            .asRuntimeException());
        }
    }

    /** Goes on to the next block that is not all zeros, and says how far that was. */
    private long zeros(ByteBuffer buffer) throws IOException {
        long found = 0;
        while (found < ZEROS_BYTES) {
            int count = file.read(buffer.clear(), offset);
            if (count < 0 || !isZero(buffer.flip())) {
                return found;
            }
            offset += count;
            found += count;
        }
        return found;
    }

    private static boolean isZero(ByteBuffer buffer) {
        return buffer.equals(ZEROS.slice(0, buffer.remaining()));
    }

    private void finish() {
        done = true;
        try {
            file.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "closing an image", e);
        }
    }
}
