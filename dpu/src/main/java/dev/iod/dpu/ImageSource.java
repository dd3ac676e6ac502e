package dev.iod.dpu;

import com.google.protobuf.ByteString;
import java.io.IOException;

/** Where the bytes of images come from. */
@FunctionalInterface
interface ImageSource {
    /**
     * Streams an image part from an offset to its end, as fast as the consumer takes it.
     *
     * @throws DpuException (REGION) when it cannot be reached, (GOAL) when it has no such image
     * @throws IOException from the consumer
     */
    void fetch(String imageId, long offset, Sink sink) throws IOException;

    /** Takes bytes in order. */
    interface Sink {
        void accept(ByteString bytes) throws IOException;
    }
}
