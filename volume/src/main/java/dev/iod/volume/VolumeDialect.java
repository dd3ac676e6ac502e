package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Response;
import tools.jackson.databind.node.ObjectNode;

/** Cinder's errors: {@code {"itemNotFound": {"code", "message"}}}, the key following the status. */
final class VolumeDialect implements Dialect {
    @Override
    public Response render(ApiException error) {
        ObjectNode root = Json.object();
        ObjectNode fault =
                root.putObject(name(error.fault()))
                        .put("code", error.fault().status())
                        .put("message", error.detail());
        Response response = Response.json(error.fault().status(), root);
        if (error.fault() != Fault.TOO_LARGE) {
            return response;
        }
        fault.put("retryAfter", "0");
        return Response.json(error.fault().status(), root).header("Retry-After", "0");
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
