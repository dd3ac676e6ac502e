package dev.iod.identity;

import dev.iod.store.Columns;
import dev.iod.store.Database;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** What must exist before anybody can log in. */
final class Bootstrap {
    private static final System.Logger LOG = System.getLogger(Bootstrap.class.getName());

    private final Database database;
    private final TokenService tokens;
    private final String adminPassword;
    private final Clock clock;

    Bootstrap(Database database, TokenService tokens, String adminPassword, Clock clock) {
        this.database = database;
        this.tokens = tokens;
        this.adminPassword = adminPassword;
        this.clock = clock;
    }

    /**
     * Makes the roles admin, member and reader, the project admin and the user admin with that role
     * on it. What exists stays, but the user's password becomes the operator's if it differs: the
     * operator's file is how a lost password is set again. That is looked at beside everything
     * else, for it costs a tenth of a start: within a second after it the old one may still do.
     */
    void run() {
        Optional<Account> existing = database.read(Bootstrap::admin);
        // Outside of the transaction, for it takes long.
        Optional<String> hash =
                existing.isPresent()
                        ? Optional.empty()
                        : Optional.of(Passwords.hash(adminPassword));
        Account account = database.transaction(handle -> make(handle, hash));
        if (existing.isPresent()) {
            Thread.ofVirtual().name("operator's password").start(() -> check(account));
        }
    }

    private static Optional<Account> admin(Handle handle) {
        return named(handle, Account.TABLE, Role.ADMIN);
    }

    private Account make(Handle handle, Optional<String> hash) {
        for (String name : Role.DEFAULT) {
            role(handle, name);
        }
        Role role = role(handle, Role.ADMIN);
        Project project =
                named(handle, Project.TABLE, Role.ADMIN)
                        .orElseGet(
                                () ->
                                        Project.TABLE.insert(
                                                handle,
                                                row(Role.ADMIN)
                                                        .set(
                                                                "description",
                                                                "Bootstrap project for initializing"
                                                                        + " the cloud.")));
        Account account =
                admin(handle)
                        .orElseGet(
                                () ->
                                        Account.TABLE.insert(
                                                handle,
                                                row(Role.ADMIN)
                                                        .set("default_project_id", project.id())
                                                        .set("password_hash", hash)));
        Assignments.assign(handle, account.id(), project.id(), role.id());
        return account;
    }

    private static Role role(Handle handle, String name) {
        return named(handle, Role.TABLE, name)
                .orElseGet(() -> Role.TABLE.insert(handle, row(name)));
    }

    private static Columns row(String name) {
        return new Columns().set("id", Names.newId()).set("name", name);
    }

    private static <T extends Record> Optional<T> named(
            Handle handle, Table<T> table, String name) {
        return table.first(handle, Where.of("name = ?", name));
    }

    private void check(Account account) {
        try {
            if (tokens.verify(adminPassword, Optional.of(account))) {
                return;
            }
            Columns columns =
                    new Columns()
                            .set("enabled", true)
                            .set("password_hash", Passwords.hash(adminPassword))
                            .set("tokens_valid_from", Instant.ofEpochMilli(clock.millis()));
            database.run(
                    handle -> {
                        Account.TABLE.update(handle, Account.TABLE.is(account.id()), columns);
                        TokenService.announce(handle);
                    });
            tokens.forget();
            LOG.log(Level.INFO, "the password of admin is the operator's again");
        } catch (RuntimeException e) {
            LOG.log(
                    Level.ERROR,
                    "the password of admin could not be compared with the operator's: restart"
                            + " control to try again",
                    e);
        }
    }
}
