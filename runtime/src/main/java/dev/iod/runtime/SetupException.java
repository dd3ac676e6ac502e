package dev.iod.runtime;

/** What a process cannot start or go on with; the message says what to do. */
public final class SetupException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Where the cause lies. */
    public enum Category {
        /** A configuration file: wrong key, value or missing file. */
        CONFIGURATION,
        /** Keys, certificates and signing requests. */
        IDENTITY,
        /** Files and sockets of this machine. */
        IO
    }

    private final Category category;

    public SetupException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public SetupException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }
}
