package dev.iod.eswitch;

/** What this module throws, with a category a caller can act on. */
public final class EngineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Category category;

    public EngineException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public EngineException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }

    /** Who has to do something about it. */
    public enum Category {
        /** A configuration value is missing or wrong. */
        CONFIGURATION,
        /** The peer of the control socket sent something this version does not understand. */
        PROTOCOL,
        /** A row of a transaction is inconsistent; nothing of the transaction was applied. */
        INVALID,
        /** A declared bound was reached. */
        LIMIT,
        /** There is no connection to the engine, or it was lost while waiting. */
        UNAVAILABLE
    }
}
