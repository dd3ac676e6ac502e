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

    private final FileChannel file;
    private final ServerCallStreamObserver<ImageChunk> chunks;
    private long offset;
    private boolean done;

    private ImagePump(FileChannel file, long offset, ServerCallStreamObserver<ImageChunk> chunks) {
        this.file = file;
        this.offset = offset;
        this.chunks = chunks;
    }

    static void start(Path path, long offset, ServerCallStreamObserver<ImageChunk> chunks) {
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
            ImagePump pump = new ImagePump(file, offset, chunks);
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
            while (!done && chunks.isReady()) {
                ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES);
                int count = file.read(buffer, offset);
                if (count < 0) {
                    finish();
                    chunks.onCompleted();
                    return;
                }
                offset += count;
                chunks.onNext(
                        ImageChunk.newBuilder()
                                .setData(ByteString.copyFrom(buffer.flip()))
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

    private void finish() {
        done = true;
        try {
            file.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "closing an image", e);
        }
    }
}
