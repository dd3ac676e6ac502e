package dev.iod.dpu;

/** What the agent cannot do; the message says what was wrong and what to do. */
final class DpuException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Who can help. */
    enum Category {
        /** The goal asks for what this node cannot do. */
        GOAL,
        /** The region cannot be reached or refused. */
        REGION,
        /** This machine: files, namespaces, commands. */
        NODE
    }

    private final Category category;

    DpuException(Category category, String message) {
        super(message);
        this.category = category;
    }

    DpuException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    Category category() {
        return category;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
