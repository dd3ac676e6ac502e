package dev.iod.rest;

/**
 * One verb and path of a service, and who may use it.
 *
 * @param method an HTTP method in upper case; HEAD is answered by GET's route without its body
 * @param template path below the service's prefix, such as {@code /v2.1/servers/{id}}; a literal
 *     segment wins over a parameter
 * @param rule who may use it
 * @param action its name in the service's policy, for refusals; empty for none
 */
public record Route(String method, String template, Rule rule, String action, Handler handler) {
    /** A verb and path of which is not yet said who may use it. */
    public record Open(String method, String template, Handler handler) {
        /** The route, for callers that pass the rule. */
        public Route may(Rule rule) {
            return may(rule, "");
        }

        /** The same with the action's name in the service's policy. */
        public Route may(Rule rule, String action) {
            return new Route(method, template, rule, action, handler);
        }
    }

    /** GET. */
    public static Open get(String template, Handler handler) {
        return new Open("GET", template, handler);
    }

    /** POST. */
    public static Open post(String template, Handler handler) {
        return new Open("POST", template, handler);
    }

    /** PUT. */
    public static Open put(String template, Handler handler) {
        return new Open("PUT", template, handler);
    }

    /** PATCH. */
    public static Open patch(String template, Handler handler) {
        return new Open("PATCH", template, handler);
    }

    /** DELETE. */
    public static Open delete(String template, Handler handler) {
        return new Open("DELETE", template, handler);
    }
}
