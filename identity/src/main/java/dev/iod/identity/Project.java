package dev.iod.identity;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.rest.Json;
import dev.iod.rest.View;
import dev.iod.store.Table;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * A project: the owner of resources.
 *
 * @param tokensValidFrom tokens for it that were issued before are void
 */
record Project(
        String id, String name, String description, boolean enabled, Instant tokensValidFrom) {
    static final Table<Project> TABLE =
            Table.of(Project.class, "project", "id").sorted(Map.of("name", "name"), "name");

    static final View<Project> VIEW =
            new View<>(
                    List.of(
                            field("id", (p, v) -> text(p.id())),
                            field("name", (p, v) -> text(p.name())),
                            field("description", (p, v) -> text(p.description())),
                            field("enabled", (p, v) -> truth(p.enabled())),
                            // All are directly under the one domain, and another place is refused.
                            field("domain_id", (p, v) -> text(Domain.DEFAULT.id())),
                            field("parent_id", (p, v) -> text(Domain.DEFAULT.id())),
                            field("is_domain", (p, v) -> truth(false)),
                            // As of every project in Keystone that was given none; others are
                            // refused.
                            field("tags", (p, v) -> Json.array()),
                            field("options", (p, v) -> Json.object()),
                            field("links", (p, v) -> KeystoneStyle.self(v, "projects/" + p.id()))));

    /** The project of that id. */
    static Optional<Project> find(Handle handle, String id) {
        return TABLE.first(handle, TABLE.is(id));
    }
}
