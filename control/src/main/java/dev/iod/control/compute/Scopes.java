package dev.iod.control.compute;

import dev.iod.control.http.Request;

/** What views look at, from a request. */
final class Scopes {
    static final String PREFIX = "/compute";

    private Scopes() {}

    static View.Scope of(Request request) {
        return new View.Scope(
                request.microversion().minor(),
                request.caller().isAdmin(),
                new Links(request.baseUrl() + PREFIX));
    }
}
