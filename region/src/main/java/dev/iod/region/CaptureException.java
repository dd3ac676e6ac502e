package dev.iod.region;

import java.io.Serial;

/** Why the content of a node's disk is not taken. */
public final class CaptureException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    /** What the node does then. */
    public enum Category {
        /** Nothing: nobody wants it any more. */
        NOT_WANTED,
        /** It tries again, when others are done. */
        BUSY,
        /** It tries again, from where it is told then. */
        BROKEN
    }

    private final Category category;

    public CaptureException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public CaptureException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }
}
