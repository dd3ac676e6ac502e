package dev.iod.host;

/** The one failure of this module: a category to decide by and a message to act on. */
public final class HostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Category category;

    /** What kind of failure it is, and so what the caller may do. */
    public enum Category {
        /** The request or the configuration is wrong; repeating it cannot help. */
        INVALID,
        /** No machine has this id. */
        NOT_FOUND,
        /** The machine is not in a state that allows the operation. */
        CONFLICT,
        /** A declared bound (machines, connections, bytes) is reached. */
        EXHAUSTED,
        /** The other side did not answer within the deadline. */
        TIMEOUT,
        /** The daemon cannot be reached, or the connection was lost; try again later. */
        UNAVAILABLE,
        /** The operating system or QEMU refused. */
        FAILED
    }

    HostException(Category category, String message) {
        super(message);
        this.category = category;
    }

    HostException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    /** The kind of failure. */
    public Category category() {
        return category;
    }

    /** The message, which is never missing. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
