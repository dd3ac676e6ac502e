package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.dpu.DpuException.Category;
import dev.iod.node.FetchImageRequest;
import dev.iod.node.ImageChunk;
import dev.iod.node.RegionGrpc;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/**
 * Images from the region. A transfer that takes longer than the limit is resumed by the next try.
 */
record RegionImages(Channel channel, AgentMetrics metrics) implements ImageSource {
    private static final int TRANSFER_LIMIT_MINUTES = 10;

    @Override
    public void fetch(String imageId, long offset, Sink sink) throws IOException {
        FetchImageRequest request =
                FetchImageRequest.newBuilder()
                        .setImageId(imageId)
                        .setOffset(offset)
                        .setZeros(true)
                        .build();
        // Cancelling when we leave early: else the region would go on sending.
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            Context previous = context.attach();
            try {
                Iterator<ImageChunk> chunks =
                        RegionGrpc.newBlockingStub(channel)
                                .withDeadlineAfter(TRANSFER_LIMIT_MINUTES, TimeUnit.MINUTES)
                                .fetchImage(request);
                while (chunks.hasNext()) {
                    ImageChunk chunk = chunks.next();
                    ByteString bytes = chunk.getData();
                    metrics.add(AgentMetrics.Count.IMAGE_BYTES, bytes.size());
                    if (chunk.getZeros() != 0) {
                        sink.zeros(chunk.getZeros());
                    }
                    sink.accept(bytes);
                }
            } finally {
                context.detach(previous);
            }
        } catch (StatusRuntimeException e) {
            Status status = e.getStatus();
            boolean known = status.getCode() != Status.Code.NOT_FOUND;
            throw new DpuException(
                    known ? Category.REGION : Category.GOAL,
                    known
                            ? "cannot fetch image " + imageId + ": " + RegionSession.text(status)
                            : "the region has no image " + imageId,
                    e);
        }
    }
}
