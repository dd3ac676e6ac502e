package dev.iod.ovn;

/** What can go wrong in this package; {@link #category()} says what a caller can do. */
public final class OvnException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Category category;

    /** What kind of failure it is. */
    public enum Category {
        /** Text that is no OVN match or action list. */
        SYNTAX,
        /** Well-formed text with something this chassis cannot do. */
        UNSUPPORTED,
        /** The caller's configuration. */
        CONFIGURATION,
        /** A bound was reached. */
        LIMIT
    }

    public OvnException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public OvnException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }
}
