package dev.iod.rest;

/**
 * One verb and path of a service.
 *
 * @param method an HTTP method in upper case
 * @param template path below the service's prefix, such as {@code /v2.1/servers/{id}}; a literal
 *     segment wins over a parameter
 * @param access who may use it
 */
public record Route(String method, String template, Access access, Handler handler) {

    /** GET for project members. HEAD is answered by the same route without its body. */
    public static Route get(String template, Handler handler) {
        return new Route("GET", template, Access.PROJECT, handler);
    }

    /** POST for project members. */
    public static Route post(String template, Handler handler) {
        return new Route("POST", template, Access.PROJECT, handler);
    }

    /** PUT for project members. */
    public static Route put(String template, Handler handler) {
        return new Route("PUT", template, Access.PROJECT, handler);
    }

    /** PATCH for project members. */
    public static Route patch(String template, Handler handler) {
        return new Route("PATCH", template, Access.PROJECT, handler);
    }

    /** DELETE for project members. */
    public static Route delete(String template, Handler handler) {
        return new Route("DELETE", template, Access.PROJECT, handler);
    }

    /** The same route for other callers. */
    public Route access(Access other) {
        return new Route(method, template, other, handler);
    }
}
