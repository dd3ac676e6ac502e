package dev.iod.cli;

import java.net.ConnectException;
import java.nio.file.FileSystemException;
import java.util.Locale;

/** A command could not do its work; the message says what was wrong and what to do. */
sealed class CliException extends RuntimeException permits Api.NoAnswer {
    private static final long serialVersionUID = 1;

    CliException(String message) {
        super(message);
    }

    CliException(String message, Throwable cause) {
        super(message, cause);
    }

    /**
     * Why a call failed: the first message of the exception and its causes, or what its name says.
     */
    static String reason(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage();
            if (message != null && !message.isBlank()) {
                // Of some the message is the file's name alone.
                return cause instanceof FileSystemException file && file.getReason() == null
                        ? words(cause) + ": " + message
                        : message;
            }
        }
        // What the JDK's HTTP client says when nobody listens.
        return e instanceof ConnectException ? "connection refused" : words(e);
    }

    /** "no such file" of a NoSuchFileException. */
    private static String words(Throwable e) {
        return e.getClass()
                .getSimpleName()
                .replaceAll("(?<=.)Exception$", "")
                .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
                .toLowerCase(Locale.ROOT);
    }
}
