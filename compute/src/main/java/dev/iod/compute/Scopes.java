package dev.iod.compute;

import dev.iod.rest.Request;
import dev.iod.rest.View;

/** What views look at, from a request. */
final class Scopes {
    static final String PREFIX = "/compute";

    private Scopes() {}

    static View.Scope of(Request request) {
        return new View.Scope(
                request.microversion().minor(),
                request.caller().isAdmin(),
                request.baseUrl() + PREFIX);
    }
}
