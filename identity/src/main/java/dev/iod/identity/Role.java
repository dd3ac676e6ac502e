package dev.iod.identity;

import java.util.List;
import java.util.Set;

/** A role that users hold on projects. */
record Role(String id, String name, String description) {
    static final String ADMIN = "admin";
    static final String MEMBER = "member";
    static final String READER = "reader";

    /** Keystone's implied roles: admin ⊃ member ⊃ reader. */
    static List<String> implied(Set<String> held) {
        if (held.contains(ADMIN)) {
            return List.of(MEMBER, READER);
        }
        return held.contains(MEMBER) ? List.of(READER) : List.of();
    }
}
