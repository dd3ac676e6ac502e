package dev.iod.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.store.Database;
import dev.iod.store.Notifications;
import dev.iod.store.Where;
import dev.iod.store.testing.PostgresFixture;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BootstrapTest {
    private final Clock clock = Clock.systemUTC();
    private Database database;
    private TokenService tokens;

    @BeforeEach
    void open() {
        database = Database.open(PostgresFixture.newDatabase(), 4);
        database.migrate(List.of("db/region", "db/identity"));
        tokens = new TokenService(database, clock);
    }

    @AfterEach
    void close() {
        tokens.close();
        database.close();
    }

    private void start(String password) {
        new Bootstrap(database, tokens, password, clock).run();
    }

    private Account admin() {
        return database.read(
                        handle -> Account.TABLE.first(handle, Where.of("name = ?", Role.ADMIN)))
                .orElseThrow();
    }

    @Test
    void theFirstStartHasThePasswordWhenItReturns() {
        start("first");
        assertThat(Passwords.verify("first", admin().passwordHash())).isTrue();
        assertThat(admin().tokensValidFrom()).isEqualTo(Instant.EPOCH);
    }

    @Test
    void aLaterStartSetsAnotherPasswordAndEndsTokens() throws Exception {
        start("first");
        BlockingQueue<String> changes = new LinkedBlockingQueue<>();
        database.run(
                handle ->
                        handle.execute("UPDATE account SET enabled = false WHERE name = 'admin'"));
        Notifications.Subscription subscription =
                database.notifications().subscribe(TokenService.CHANNEL, changes::add);
        start("second");
        // The first word may be that of the subscription itself.
        do {
            assertThat(changes.poll(60, TimeUnit.SECONDS)).isNotNull();
        } while (!Passwords.verify("second", admin().passwordHash()));
        subscription.close();
        assertThat(admin().enabled()).isTrue();
        assertThat(admin().tokensValidFrom()).isAfter(Instant.EPOCH);
    }
}
