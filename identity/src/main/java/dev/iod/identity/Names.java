package dev.iod.identity;

import dev.iod.rest.Fields;

/** Names of users, projects and roles. */
final class Names {
    private Names() {}

    /**
     * The property {@code name}.
     *
     * @throws dev.iod.rest.ApiException 400 when it is missing, too long or blank
     */
    static String of(Fields body, int maxLength) {
        String name = body.string("name", 1, maxLength);
        if (name.isBlank()) {
            throw body.invalid("name", body.node("name"), "a name that is not blank");
        }
        return name;
    }
}
