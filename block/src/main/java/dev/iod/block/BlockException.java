package dev.iod.block;

/** What this module throws, with a category a caller can act on. */
public final class BlockException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Category category;

    public BlockException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public BlockException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }

    /** Who has to do something about it. */
    public enum Category implements Coded {
        /** A configuration value is missing or wrong, or the machine lacks something. */
        CONFIGURATION(1),
        /** The peer of the control socket sent something this version does not understand. */
        PROTOCOL(2),
        /** A request that can never succeed as it is. */
        INVALID(3),
        /** There is no volume of that name. */
        NOT_FOUND(4),
        /** The name exists already, or the volume is in use. */
        CONFLICT(5),
        /** The pool has no room. */
        FULL(6),
        /** A declared bound was reached. */
        LIMIT(7),
        /** The storage below failed. */
        FAILED(8),
        /** There is no connection to the engine, or it was lost while waiting. */
        UNAVAILABLE(9);

        private final int code;

        Category(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }
}
