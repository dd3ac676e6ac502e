package dev.iod.rest;

import tools.jackson.databind.node.ObjectNode;

/** Errors as Nova writes them, and Cinder, which began as a part of it. */
public final class NovaFaults {
    private NovaFaults() {}

    /** {@code {"itemNotFound": {"code", "message"}}}, the key following the status. */
    public static ObjectNode body(ApiException error) {
        ObjectNode root = Json.object();
        root.putObject(name(error.fault()))
                .put("code", error.fault().status())
                .put("message", error.detail());
        return root;
    }

    private static String name(Fault fault) {
        return switch (fault) {
            case BAD_REQUEST -> "badRequest";
            case UNAUTHORIZED -> "unauthorized";
            case FORBIDDEN -> "forbidden";
            case NOT_FOUND -> "itemNotFound";
            case METHOD_NOT_ALLOWED -> "badMethod";
            case CONFLICT -> "conflictingRequest";
            case TOO_LARGE, TOO_MANY_REQUESTS -> "overLimit";
            case UNSUPPORTED_MEDIA_TYPE -> "badMediaType";
            case NOT_IMPLEMENTED -> "notImplemented";
            case UNAVAILABLE -> "serviceUnavailable";
            case NOT_ACCEPTABLE, TIMEOUT, URI_TOO_LONG, HEADERS_TOO_LARGE, INTERNAL, HTTP_VERSION ->
                    "computeFault";
        };
    }
}
