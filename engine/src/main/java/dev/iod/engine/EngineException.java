package dev.iod.engine;

/** What engines and their clients throw, with a category a caller can act on. */
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
        /** A configuration value is missing or wrong, or the machine lacks something. */
        CONFIGURATION(0),
        /** The peer of the control socket sent something this version does not understand. */
        PROTOCOL(1),
        /** A request that can never succeed as it is; nothing of it was done. */
        INVALID(2),
        /** A declared bound was reached. */
        LIMIT(3),
        /** There is no connection to the engine, or it was lost while waiting. */
        UNAVAILABLE(4),
        /** There is nothing of that name. */
        NOT_FOUND(5),
        /** The name exists already, or what it names is in use. */
        CONFLICT(6),
        /** There is no room. */
        FULL(7),
        /** What the engine stands on failed. */
        FAILED(8);

        private final int code;

        Category(int code) {
            this.code = code;
        }

        /** On the wire, in every engine's protocol. */
        public int code() {
            return code;
        }

        /**
         * @throws EngineException PROTOCOL: no category has this code
         */
        public static Category of(int code) {
            for (Category category : values()) {
                if (category.code == code) {
                    return category;
                }
            }
            throw WireReader.malformed("unknown category " + code);
        }
    }
}
