package dev.iod.image;

import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A project that an image is shared with. */
record ImageMember(
        String imageId, String member, Status status, Instant createdAt, Instant updatedAt) {

    /** What the project says to it. */
    enum Status {
        /** Nothing yet. */
        PENDING,
        /** The image is in its lists. */
        ACCEPTED,
        /** It is not. */
        REJECTED;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Optional<Status> of(String text) {
            return Arrays.stream(values()).filter(status -> status.text().equals(text)).findFirst();
        }
    }
}
