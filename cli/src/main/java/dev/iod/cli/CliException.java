package dev.iod.cli;

/** A command could not do its work; the message says what was wrong and what to do. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CliException(String message) {
        super(message);
    }

    CliException(String message, Throwable cause) {
        super(message, cause);
    }
}
