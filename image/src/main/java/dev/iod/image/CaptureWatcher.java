package dev.iod.image;

import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Is told what becomes of the captures of its servers or volumes. */
public interface CaptureWatcher {
    /** What has happened. */
    sealed interface Event {
        /** The disk's content is held as it was at one moment. */
        record Taken() implements Event {}

        /** It is on its way. */
        record Arriving() implements Event {}

        /** The image is active. */
        record Done() implements Event {}

        /**
         * There will be no image, and nothing is left of it.
         *
         * @param message for the owner
         * @param details for administrators, as the node said it; may be empty
         */
        record Failed(String message, String details) implements Event {}
    }

    /**
     * Called before {@link #happened}, in the same transaction: locks the consumer's row, which
     * everybody locks before its capture. One that is not the watcher's is ignored.
     */
    void lock(Handle handle, UUID consumer);

    /** Called in the transaction of what has happened; the consumer may be gone, or another's. */
    void happened(Handle handle, UUID consumer, Event event);
}
