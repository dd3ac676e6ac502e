package dev.iod.identity;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.text;

import dev.iod.rest.Json;
import dev.iod.rest.View;
import dev.iod.store.Table;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** A role that users hold on projects. */
record Role(String id, String name, String description) {
    static final String ADMIN = "admin";
    static final String MEMBER = "member";
    static final String READER = "reader";

    /** What {@link Bootstrap} makes. */
    static final List<String> DEFAULT = List.of(MEMBER, READER, ADMIN);

    static final Table<Role> TABLE =
            Table.of(Role.class, "role", "id").sorted(Map.of("name", "name"), "name");

    static final View<Role> VIEW =
            new View<>(
                    List.of(
                            field("id", (r, v) -> text(r.id())),
                            field("name", (r, v) -> text(r.name())),
                            // Keystone's global roles, which are the usual ones, have no domain.
                            field("domain_id", (r, v) -> nothing()),
                            field("description", (r, v) -> text(r.description())),
                            field("options", (r, v) -> r.options()),
                            field("links", (r, v) -> KeystoneStyle.self(v, "roles/" + r.id()))));

    /** Whether it is one of those that rules name: Keystone's bootstrap makes the same three so. */
    boolean isImmutable() {
        return DEFAULT.contains(name);
    }

    private ObjectNode options() {
        return isImmutable() ? Json.object().put("immutable", true) : Json.object();
    }

    /** Keystone's implied roles: admin ⊃ member ⊃ reader. */
    static List<String> implied(Set<String> held) {
        if (held.contains(ADMIN)) {
            return List.of(MEMBER, READER);
        }
        return held.contains(MEMBER) ? List.of(READER) : List.of();
    }
}
