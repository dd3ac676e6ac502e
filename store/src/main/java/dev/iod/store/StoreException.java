package dev.iod.store;

/** The one exception of this module. */
public final class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is. */
    public enum Reason {
        /** The database is away or stays contended; the same may succeed later. */
        UNAVAILABLE,
        /** A list was asked for with a sort key that it does not have. */
        UNKNOWN_SORT_KEY,
        /** A page was asked for after a row that is not in the list. */
        UNKNOWN_MARKER
    }

    private final Reason reason;

    StoreException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    StoreException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** The kind. */
    public Reason reason() {
        return reason;
    }
}
