package dev.iod.identity;

import dev.iod.rest.Fields;
import java.util.UUID;

/** Names and ids of users, projects and roles. */
final class Names {
    /** Characters in the name of anything but a project. */
    static final int MAX_LENGTH = 255;

    /** Characters in a description. */
    static final int MAX_TEXT = 65_535;

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

    /** A new id in Keystone's form: a random UUID as 32 hex digits. */
    static String newId() {
        return UUID.randomUUID().toString().replace("-", "");
    }
}
