package dev.iod.rest;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** How a service words its errors; OpenStack's services all differ. */
public interface Dialect {
    /**
     * Keystone's words, {@code {"error": {"code", "message", "title"}}}: also of the native API, of
     * paths that belong to no service and of every answer to a caller who is not known.
     */
    Dialect PLAIN =
            error -> {
                ObjectNode root = Json.object();
                root.putObject("error")
                        .put("code", error.fault().status())
                        .put("message", error.detail())
                        .put("title", error.fault().title());
                return Response.json(error.fault().status(), root);
            };

    /** The answer to a request that failed. */
    Response render(ApiException error);

    /** The message for a caller who does not pass a route's rule. */
    default String refusal(Route route) {
        return "Policy doesn't allow %s %s to be performed: it needs the role %s."
                .formatted(route.method(), route.template(), route.rule().text());
    }

    /** The message for properties that the schema does not know (jsonschema's wording). */
    default String unknownProperties(List<String> names) {
        return "Additional properties are not allowed (%s %s unexpected)"
                .formatted(
                        String.join(", ", names.stream().map(name -> "'" + name + "'").toList()),
                        names.size() == 1 ? "was" : "were");
    }

    /** The message for a value of the wrong shape. */
    default String invalid(String property, String value, String expected) {
        return "Invalid input for field/attribute %s. Value: %s. %s is not %s"
                .formatted(property, value, value, expected);
    }
}
