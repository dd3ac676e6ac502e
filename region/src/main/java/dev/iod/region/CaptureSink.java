package dev.iod.region;

import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import java.util.concurrent.Executor;

/** Takes what nodes send of their disks. The image service has it. */
public interface CaptureSink {
    /** One content on its way; used by one thread at a time. */
    interface Arrival {
        /** From where on it is wanted. */
        long offset();

        /**
         * Takes the next part.
         *
         * @throws CaptureException when it is not the next part, or damaged, or cannot be taken
         */
        void take(CaptureData data);

        /**
         * All was taken: it becomes what it was sent for, which can take a while.
         *
         * @throws CaptureException when there is not all of it, or it cannot become that now
         */
        void complete();

        /** The call has ended; another one may go on where this has. */
        void close();
    }

    /**
     * Begins to take a content, or goes on with it; a call for the same one before this gets no
     * further.
     *
     * @throws CaptureException when the region wants no such content of the node, or not now
     */
    Arrival open(String node, CaptureStart start);

    /** What the work of arrivals is done by: not the threads of requests. */
    Executor executor();
}
