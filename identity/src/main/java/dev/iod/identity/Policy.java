package dev.iod.identity;

import dev.iod.rest.Access;
import dev.iod.rest.ApiException;
import dev.iod.rest.Caller;
import dev.iod.rest.Handler;
import dev.iod.rest.Route;

/** Who may do what in the identity service, refused in Keystone's words. */
final class Policy {
    private Policy() {}

    /** A route for administrators; {@code action} is its name in Keystone's policy. */
    static Route admin(String method, String template, String action, Handler handler) {
        return new Route(
                method,
                template,
                Access.TOKEN,
                request -> {
                    requireAdmin(request.caller(), action);
                    return handler.handle(request);
                });
    }

    static void requireAdmin(Caller caller, String action) {
        require(caller.isAdmin(), action);
    }

    static void require(boolean allowed, String action) {
        if (!allowed) {
            throw ApiException.forbidden(
                    "You are not authorized to perform the requested action: identity:%s."
                            .formatted(action));
        }
    }
}
