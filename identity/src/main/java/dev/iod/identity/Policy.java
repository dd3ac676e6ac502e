package dev.iod.identity;

import dev.iod.rest.ApiException;

/** Who may do what in the identity service, refused in Keystone's words. */
final class Policy {
    private Policy() {}

    static void require(boolean allowed, String action) {
        if (!allowed) {
            throw ApiException.forbidden(refusal(action));
        }
    }

    static String refusal(String action) {
        return "You are not authorized to perform the requested action: identity:%s."
                .formatted(action);
    }
}
