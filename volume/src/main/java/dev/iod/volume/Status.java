package dev.iod.volume;

import java.util.Locale;

/** Cinder's statuses of volumes. */
enum Status {
    CREATING,
    AVAILABLE,
    /** A server shall have it. */
    ATTACHING,
    /** A server has it, or will when it starts. */
    IN_USE,
    /** A server shall have it no more, and has not let go of it. */
    DETACHING,
    /** An image is being made of it, which a server may have meanwhile. */
    UPLOADING,
    EXTENDING,
    ERROR_EXTENDING,
    DELETING,
    ERROR_DELETING,
    /** It was not made, and there is nothing of it; or its node has lost it. */
    ERROR;

    static Status of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    String text() {
        // As in Cinder: all the others have underscores.
        return this == IN_USE ? "in-use" : name().toLowerCase(Locale.ROOT);
    }
}
