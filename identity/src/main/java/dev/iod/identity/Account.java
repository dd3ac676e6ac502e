package dev.iod.identity;

import static dev.iod.rest.View.absent;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
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
 * A user; "user" is a reserved word in SQL, so the table and this record say account.
 *
 * @param passwordHash see {@link Passwords}; nobody can log in without
 * @param tokensValidFrom tokens issued before are void
 */
record Account(
        String id,
        String name,
        String description,
        String email,
        boolean enabled,
        Optional<String> defaultProjectId,
        Optional<String> passwordHash,
        Instant tokensValidFrom) {
    static final Table<Account> TABLE =
            Table.of(Account.class, "account", "id").sorted(Map.of("name", "name"), "name");

    static final View<Account> VIEW =
            new View<>(
                    List.of(
                            field("id", (a, v) -> text(a.id())),
                            field("name", (a, v) -> text(a.name())),
                            field("domain_id", (a, v) -> text(Domain.DEFAULT.id())),
                            field("enabled", (a, v) -> truth(a.enabled())),
                            // Passwords do not expire, as in Keystone when it is given no age.
                            field("password_expires_at", (a, v) -> nothing()),
                            // As of every user in Keystone that was given none; others are refused.
                            field("options", (a, v) -> Json.object()),
                            field(
                                    "default_project_id",
                                    (a, v) ->
                                            a.defaultProjectId().map(View::text).orElse(absent())),
                            field(
                                    "email",
                                    (a, v) -> a.email().isEmpty() ? absent() : text(a.email())),
                            field(
                                    "description",
                                    (a, v) ->
                                            a.description().isEmpty()
                                                    ? absent()
                                                    : text(a.description())),
                            field("links", (a, v) -> KeystoneStyle.self(v, "users/" + a.id()))));

    /** The user of that id. */
    static Optional<Account> find(Handle handle, String id) {
        return TABLE.first(handle, TABLE.is(id));
    }
}
