package dev.iod.identity;

import dev.iod.store.Database;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** What must exist before anybody can log in. */
public final class Bootstrap {
    private Bootstrap() {}

    /**
     * Makes the roles admin, member and reader, the project admin and the user admin with that role
     * on it. What exists stays, but the user's password becomes the given one if it differs: the
     * operator's file is how a lost password is set again.
     */
    public static void run(Database database, String adminPassword, Clock clock) {
        Optional<Account> existing =
                database.read(handle -> IdentityStore.accountByName(handle, Role.ADMIN));
        boolean current =
                existing.map(account -> Passwords.verify(adminPassword, account.passwordHash()))
                        .orElse(false);
        String hash = current ? "" : Passwords.hash(adminPassword);
        database.run(
                handle -> {
                    for (String name : List.of(Role.ADMIN, Role.MEMBER, Role.READER)) {
                        role(handle, name);
                    }
                    Project project = project(handle);
                    Account account =
                            IdentityStore.accountByName(handle, Role.ADMIN)
                                    .orElseGet(() -> admin(handle, project));
                    if (!hash.isEmpty()) {
                        IdentityStore.update(
                                handle,
                                new Account(
                                        account.id(),
                                        account.name(),
                                        account.description(),
                                        account.email(),
                                        true,
                                        account.defaultProjectId(),
                                        Optional.of(hash),
                                        Instant.ofEpochMilli(clock.millis())));
                        TokenService.announce(handle);
                    }
                    IdentityStore.assign(
                            handle, account.id(), project.id(), role(handle, Role.ADMIN).id());
                });
    }

    private static Role role(Handle handle, String name) {
        return IdentityStore.rolesByName(handle, List.of(name)).stream()
                .findFirst()
                .orElseGet(
                        () -> {
                            Role made = new Role(Ids.random(), name, "");
                            IdentityStore.insert(handle, made);
                            return made;
                        });
    }

    private static Project project(Handle handle) {
        return IdentityStore.projectByName(handle, Role.ADMIN)
                .orElseGet(
                        () -> {
                            Project made =
                                    new Project(
                                            Ids.random(),
                                            Role.ADMIN,
                                            "Bootstrap project for initializing the cloud.",
                                            true);
                            IdentityStore.insert(handle, made);
                            return made;
                        });
    }

    private static Account admin(Handle handle, Project project) {
        Account made =
                new Account(
                        Ids.random(),
                        Role.ADMIN,
                        "",
                        "",
                        true,
                        Optional.of(project.id()),
                        Optional.empty(),
                        Instant.EPOCH);
        IdentityStore.insert(handle, made);
        return made;
    }
}
