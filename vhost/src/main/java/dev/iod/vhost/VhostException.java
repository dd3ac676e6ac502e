package dev.iod.vhost;

/** The peer (VMM or guest) broke the rules; its connection ends with this reason. */
public final class VhostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Category category;

    /** What was violated. */
    public enum Category {
        /** A vhost-user message that is malformed or not allowed now. */
        PROTOCOL,
        /** A memory region that cannot be used. */
        MEMORY,
        /** A virtqueue index, descriptor or address of the guest that is not valid. */
        RING,
        /** Shared memory lost its backing while in use. */
        FAULT
    }

    public VhostException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public Category category() {
        return category;
    }
}
