package dev.iod.ovsdb;

/** Everything that can go wrong in this package; {@link #category()} says what a caller can do. */
public final class OvsdbException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Category category;

    /** What kind of failure it is. */
    public enum Category {
        /** A value, index or reference the schema forbids: repeating it cannot help. */
        CONSTRAINT_VIOLATION,
        /** A reference to a row that does not exist (any more), or a row still in use. */
        REFERENTIAL_INTEGRITY,
        /** A {@link Operation.Wait} was not true in time: read again, then repeat. */
        WAIT_TIMED_OUT,
        /** The role of this connection may not do it (RBAC, read-only server). */
        PERMISSION,
        /** No connection, or it was lost before the answer: the outcome is unknown. */
        DISCONNECTED,
        /** No answer within the caller's deadline: the outcome is unknown. */
        NO_ANSWER,
        /** A bound of this client or of the server was reached. */
        RESOURCES,
        /** The server's schema lacks a table or column this client was told to use. */
        SCHEMA,
        /** The peer does not speak OVSDB as expected. */
        PROTOCOL,
        /** Any other error the server reports. */
        OTHER
    }

    public OvsdbException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public OvsdbException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }

    /** The category of an error string of RFC 7047 §3.1 and of ovsdb-server(7). */
    static Category categoryOf(String error) {
        return switch (error) {
            case "constraint violation", "domain error", "range error" ->
                    Category.CONSTRAINT_VIOLATION;
            case "referential integrity violation" -> Category.REFERENTIAL_INTEGRITY;
            case "timed out" -> Category.WAIT_TIMED_OUT;
            case "permission error", "not allowed", "read only" -> Category.PERMISSION;
            case "resources exhausted", "I/O error" -> Category.RESOURCES;
            case "unknown database", "unknown table", "unknown column" -> Category.SCHEMA;
            default -> Category.OTHER;
        };
    }
}
