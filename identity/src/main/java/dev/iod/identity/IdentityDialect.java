package dev.iod.identity;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Response;
import dev.iod.rest.Route;

/** Keystone's errors: the plain ones, and refusals that name the action. */
final class IdentityDialect implements Dialect {
    @Override
    public Response render(ApiException error) {
        return PLAIN.render(error);
    }

    @Override
    public String refusal(Route route) {
        return route.action().isEmpty()
                ? Dialect.super.refusal(route)
                : Policy.refusal(route.action());
    }
}
