package dev.iod.control.http;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** How each service words an error; OpenStack's services all differ. */
public enum ErrorFormat {
    /** Keystone: {@code {"error": {"code", "message", "title"}}}. */
    IDENTITY {
        @Override
        Response render(ApiException error) {
            ObjectNode root = Json.object();
            root.putObject("error")
                    .put("code", error.fault().status())
                    .put("message", error.detail())
                    .put("title", error.fault().title());
            return Response.json(error.fault().status(), root);
        }
    },
    /** Nova: {@code {"itemNotFound": {"code", "message"}}}, the key following the status. */
    COMPUTE {
        @Override
        Response render(ApiException error) {
            ObjectNode root = Json.object();
            root.putObject(novaName(error.fault()))
                    .put("code", error.fault().status())
                    .put("message", error.detail());
            return Response.json(error.fault().status(), root);
        }
    },
    /** Neutron: {@code {"NeutronError": {"type", "message", "detail"}}}. */
    NETWORK {
        @Override
        Response render(ApiException error) {
            ObjectNode root = Json.object();
            root.putObject("NeutronError")
                    .put("type", error.type().orElse(neutronType(error.fault())))
                    .put("message", error.detail())
                    .put("detail", "");
            return Response.json(error.fault().status(), root);
        }

        @Override
        String unknownProperties(List<String> names) {
            return "Unrecognized attribute(s) '" + String.join(", ", names) + "'";
        }

        @Override
        String invalid(String property, String value, String expected) {
            return "Invalid input for %s. Reason: '%s' is not %s."
                    .formatted(property, value, expected);
        }
    },
    /** Glance: an HTML page with the status as its title (webob's default error page). */
    IMAGE {
        @Override
        Response render(ApiException error) {
            String heading = error.fault().status() + " " + error.fault().title();
            String page =
                    """
                    <html>
                     <head>
                      <title>%s</title>
                     </head>
                     <body>
                      <h1>%s</h1>
                      %s<br /><br />



                     </body>
                    </html>"""
                            .formatted(heading, heading, escape(error.detail()));
            return Response.text(error.fault().status(), "text/html; charset=UTF-8", page);
        }
    },
    /** The native API and paths that belong to no service: {@code {"error": {…}}}. */
    NATIVE {
        @Override
        Response render(ApiException error) {
            return IDENTITY.render(error);
        }
    };

    abstract Response render(ApiException error);

    /** The message for properties that the schema does not know (jsonschema's wording). */
    String unknownProperties(List<String> names) {
        return "Additional properties are not allowed (%s %s unexpected)"
                .formatted(
                        String.join(", ", names.stream().map(name -> "'" + name + "'").toList()),
                        names.size() == 1 ? "was" : "were");
    }

    /** The message for a value of the wrong shape. */
    String invalid(String property, String value, String expected) {
        return "Invalid input for field/attribute %s. Value: %s. %s is not %s"
                .formatted(property, value, value, expected);
    }

    private static String novaName(Fault fault) {
        return switch (fault) {
            case BAD_REQUEST -> "badRequest";
            case UNAUTHORIZED -> "unauthorized";
            case FORBIDDEN -> "forbidden";
            case NOT_FOUND -> "itemNotFound";
            case METHOD_NOT_ALLOWED -> "badMethod";
            case CONFLICT -> "conflictingRequest";
            case TOO_LARGE -> "overLimit";
            case UNSUPPORTED_MEDIA_TYPE -> "badMediaType";
            case NOT_IMPLEMENTED -> "notImplemented";
            case UNAVAILABLE -> "serviceUnavailable";
            case NOT_ACCEPTABLE, INTERNAL -> "computeFault";
        };
    }

    private static String neutronType(Fault fault) {
        return switch (fault) {
            case BAD_REQUEST -> "HTTPBadRequest";
            case NOT_FOUND -> "HTTPNotFound";
            case FORBIDDEN -> "PolicyNotAuthorized";
            case CONFLICT -> "Conflict";
            case UNAUTHORIZED,
                    METHOD_NOT_ALLOWED,
                    NOT_ACCEPTABLE,
                    TOO_LARGE,
                    UNSUPPORTED_MEDIA_TYPE,
                    INTERNAL,
                    NOT_IMPLEMENTED,
                    UNAVAILABLE ->
                    "HTTP" + fault.title().replace(" ", "");
        };
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
