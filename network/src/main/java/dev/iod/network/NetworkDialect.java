package dev.iod.network;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Response;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Neutron's errors: {@code {"NeutronError": {"type", "message", "detail"}}}. */
final class NetworkDialect implements Dialect {
    @Override
    public Response render(ApiException error) {
        ObjectNode root = Json.object();
        root.putObject("NeutronError")
                .put("type", error.type().orElse(type(error.fault())))
                .put("message", error.detail())
                .put("detail", "");
        return Response.json(error.fault().status(), root);
    }

    @Override
    public String unknownProperties(List<String> names) {
        return "Unrecognized attribute(s) '" + String.join(", ", names) + "'";
    }

    @Override
    public String invalid(String property, String value, String expected) {
        return "Invalid input for %s. Reason: '%s' is not %s.".formatted(property, value, expected);
    }

    private static String type(Fault fault) {
        return switch (fault) {
            case BAD_REQUEST -> "HTTPBadRequest";
            case NOT_FOUND -> "HTTPNotFound";
            case FORBIDDEN -> "PolicyNotAuthorized";
            case CONFLICT -> "Conflict";
            case UNAUTHORIZED,
                    METHOD_NOT_ALLOWED,
                    NOT_ACCEPTABLE,
                    TIMEOUT,
                    TOO_LARGE,
                    URI_TOO_LONG,
                    UNSUPPORTED_MEDIA_TYPE,
                    TOO_MANY_REQUESTS,
                    HEADERS_TOO_LARGE,
                    INTERNAL,
                    NOT_IMPLEMENTED,
                    UNAVAILABLE,
                    HTTP_VERSION ->
                    "HTTP" + fault.title().replace(" ", "");
        };
    }
}
