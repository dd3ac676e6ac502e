package dev.iod.rest;

import java.util.List;

/**
 * One service as the web server sees it.
 *
 * @param prefix first path segment, such as {@code /compute}; empty for the version document at the
 *     root
 * @param dialect how it words its errors
 * @param microversions {@link Microversions#NONE} for most
 * @param routes everything it answers, its version documents included
 */
public record Api(String prefix, Dialect dialect, Microversions microversions, List<Route> routes) {
    /** Copies the routes. */
    public Api {
        routes = List.copyOf(routes);
    }
}
