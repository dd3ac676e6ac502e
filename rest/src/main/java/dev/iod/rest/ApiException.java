package dev.iod.rest;

import java.util.Optional;

/**
 * The one exception of this module: what a caller did wrong or what could not be done for it. The
 * message reaches the user, so it says what was wrong, what was expected and what to do.
 */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Fault fault;
    private final String type;

    /**
     * @param type a machine-readable name such as Neutron's {@code NetworkNotFound}, or empty
     */
    public ApiException(Fault fault, String type, String message) {
        super(message);
        this.fault = fault;
        this.type = type;
    }

    /** An error without a machine-readable type. */
    public ApiException(Fault fault, String message) {
        this(fault, "", message);
    }

    /** The same with the exception that led to it. */
    public ApiException(Fault fault, String message, Throwable cause) {
        super(message, cause);
        this.fault = fault;
        this.type = "";
    }

    /** A malformed or impossible request (400). */
    public static ApiException badRequest(String message) {
        return new ApiException(Fault.BAD_REQUEST, message);
    }

    /** No such resource, or one that this caller may not know of (404). */
    public static ApiException notFound(String message) {
        return new ApiException(Fault.NOT_FOUND, message);
    }

    /** The caller is known and may not do this (403). */
    public static ApiException forbidden(String message) {
        return new ApiException(Fault.FORBIDDEN, message);
    }

    /** The state of a resource does not allow this now (409). */
    public static ApiException conflict(String message) {
        return new ApiException(Fault.CONFLICT, message);
    }

    /** The category. */
    public Fault fault() {
        return fault;
    }

    /** The machine-readable type, if the service's format has one. */
    public Optional<String> type() {
        return type.isEmpty() ? Optional.empty() : Optional.of(type);
    }

    /** The message; never null. */
    public String detail() {
        String message = getMessage();
        return message == null ? fault.title() : message;
    }
}
