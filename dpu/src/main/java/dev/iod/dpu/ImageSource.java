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

    /** A piece of them. */
    ByteString ZEROS = ByteString.copyFrom(new byte[1 << 16]);

    /** Takes bytes in order. */
    interface Sink {
        void accept(ByteString bytes) throws IOException;

        /** Takes so many that are zeros. */
        default void zeros(long count) throws IOException {
            for (long left = count; left > 0; left -= ZEROS.size()) {
                accept(ZEROS.substring(0, (int) Math.min(left, ZEROS.size())));
            }
        }
    }
}
