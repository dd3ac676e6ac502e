package dev.iod.store;

import java.util.Optional;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

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
        UNKNOWN_MARKER,
        /** A row has the same value of something unique; {@link #constraint} says of what. */
        DUPLICATE
    }

    static final String UNIQUE_VIOLATION = "23505";

    private final Reason reason;
    private final String constraint;

    StoreException(Reason reason, String message) {
        super(message);
        this.reason = reason;
        this.constraint = "";
    }

    StoreException(Reason reason, String message, Throwable cause) {
        this(reason, message, "", cause);
    }

    private StoreException(Reason reason, String message, String constraint, Throwable cause) {
        super(message, cause);
        this.reason = reason;
        this.constraint = constraint;
    }

    /** The exception for a failed statement if what failed was a unique constraint. */
    static Optional<StoreException> duplicate(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof PSQLException sql && UNIQUE_VIOLATION.equals(sql.getSQLState())) {
                String constraint =
                        Optional.ofNullable(sql.getServerErrorMessage())
                                .map(ServerErrorMessage::getConstraint)
                                .orElse("");
                return Optional.of(
                        new StoreException(
                                Reason.DUPLICATE,
                                "There is one like it already (%s).".formatted(constraint),
                                constraint,
                                error));
            }
        }
        return Optional.empty();
    }

    /** The kind. */
    public Reason reason() {
        return reason;
    }

    /** The name of the constraint for {@link Reason#DUPLICATE}; else empty. */
    public String constraint() {
        return constraint;
    }
}
