package dev.iod.image;

import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * An import, as {@code /v2/tasks} shows it; it is there for a while after its end.
 *
 * @param input the body of the request, JSON
 * @param message why it failed, or empty
 */
record ImageTask(
        String id,
        String imageId,
        String owner,
        String userId,
        String requestId,
        Status status,
        String input,
        String message,
        Instant createdAt,
        Instant updatedAt,
        Optional<Instant> expiresAt) {

    /** How far it is. */
    enum Status {
        /** Not begun. */
        PENDING,
        PROCESSING,
        /** Its image is active. */
        SUCCESS,
        /** Its image is queued again. */
        FAILURE;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Optional<Status> of(String text) {
            return Arrays.stream(values()).filter(status -> status.text().equals(text)).findFirst();
        }
    }
}
