package dev.iod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.store.testing.PostgresFixture;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DatabaseTest {
    private String url = "";
    private Database database;

    @BeforeAll
    void start() {
        url = PostgresFixture.newDatabase();
        database = Database.open(url, 8);
        database.run(
                handle -> handle.execute("CREATE TABLE thing (id text PRIMARY KEY, n bigint)"));
    }

    @AfterAll
    void stop() {
        database.close();
    }

    @Test
    void collidingTransactionsLoseNothing() throws Exception {
        database.run(handle -> handle.execute("INSERT INTO thing VALUES ('counter', 0)"));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                all.add(threads.submit(() -> repeat(10, this::increment)));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        assertThat(count("SELECT n FROM thing WHERE id = 'counter'")).isEqualTo(160);
    }

    @Test
    void aViolatedConstraintIsLookedAtOnceMore() {
        database.run(handle -> handle.execute("INSERT INTO thing VALUES ('taken', 0)"));
        AtomicInteger attempts = new AtomicInteger();
        assertThatThrownBy(
                        () ->
                                database.runLocked(
                                        handle -> {
                                            attempts.incrementAndGet();
                                            handle.execute("INSERT INTO thing VALUES ('taken', 1)");
                                        }))
                .hasMessageContaining("thing_pkey");
        assertThat(attempts).hasValue(2);
    }

    @Test
    void whatTheServerLacksIsSaidAndMayPass() {
        for (Map.Entry<String, String> lack :
                Map.of(
                                "53100", "The database's disk is full",
                                "53200", "The database has no memory left",
                                "53300", "The database has too many connections",
                                "53400", "The database has reached a limit")
                        .entrySet()) {
            String raise = "DO $$BEGIN RAISE SQLSTATE '" + lack.getKey() + "'; END$$";
            for (boolean reads : List.of(false, true)) {
                assertThatThrownBy(
                                () -> {
                                    if (reads) {
                                        database.read(handle -> handle.execute(raise));
                                    } else {
                                        database.run(handle -> handle.execute(raise));
                                    }
                                })
                        .isInstanceOfSatisfying(
                                StoreException.class,
                                e ->
                                        assertThat(e.reason())
                                                .isEqualTo(StoreException.Reason.UNAVAILABLE))
                        .hasMessage(lack.getValue() + "; try again when there is room.");
            }
        }
    }

    /** What fails unexpectedly is logged with its causes. */
    @Test
    void exceptionsDoNotRepeatValues() {
        database.run(
                handle ->
                        handle.execute(
                                "CREATE TABLE kept (name text PRIMARY KEY, secret text CHECK"
                                        + " (secret <> name), n bigint NOT NULL)"));
        insert("a", "b", 1);
        for (Runnable failing :
                List.<Runnable>of(
                        () -> insert("hidden", "hidden", 1),
                        () -> insert("x", "hidden", null),
                        () -> insert("a", "hidden", 1))) {
            assertThatThrownBy(failing::run)
                    .satisfies(
                            error -> {
                                StringWriter log = new StringWriter();
                                error.printStackTrace(new PrintWriter(log));
                                assertThat(log.toString())
                                        .contains("kept")
                                        .doesNotContain("hidden");
                            });
        }
    }

    private void insert(String name, String secret, @Nullable Integer n) {
        database.run(
                handle ->
                        handle.createUpdate("INSERT INTO kept VALUES (:name, :secret, :n)")
                                .bind("name", name)
                                .bind("secret", secret)
                                .bind("n", n)
                                .execute());
    }

    @Test
    void largeValuesCrossTheSocketBothWays() {
        String large = "x".repeat(8 << 20);
        String back =
                database.read(
                        handle ->
                                handle.createQuery("SELECT :v::text")
                                        .bind("v", large)
                                        .mapTo(String.class)
                                        .one());
        assertThat(back).isEqualTo(large);
    }

    @Test
    void aReadTransactionCannotWrite() {
        assertThatThrownBy(
                        () ->
                                database.read(
                                        handle ->
                                                handle.execute(
                                                        "INSERT INTO thing VALUES ('w', 1)")))
                .hasMessageContaining("read-only");
    }

    @Test
    void notificationsArriveAtCommit() throws Exception {
        LinkedBlockingQueue<String> received = new LinkedBlockingQueue<>();
        try (var _ = database.notifications().subscribe("things", received::add)) {
            assertThat(received.poll(20, TimeUnit.SECONDS)).isEmpty();
            database.run(handle -> Database.notify(handle, "things", "one"));
            String next = received.poll(20, TimeUnit.SECONDS);
            while (next != null && next.isEmpty()) {
                next = received.poll(20, TimeUnit.SECONDS);
            }
            assertThat(next).isEqualTo("one");
        }
    }

    @Test
    void lostConnectionsAreReplaced() throws Exception {
        LinkedBlockingQueue<String> received = new LinkedBlockingQueue<>();
        try (var _ = database.notifications().subscribe("losses", received::add)) {
            assertThat(received.poll(20, TimeUnit.SECONDS)).isEmpty();
            received.clear();
            try (Connection other = DriverManager.getConnection(url);
                    Statement statement = other.createStatement()) {
                statement.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                                + " current_database() AND pid <> pg_backend_pid()");
            }
            assertThat(count("SELECT 1")).isEqualTo(1);
            // After the loss subscribers are told to look at everything.
            assertThat(received.poll(20, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void aReadTimesOut() throws IOException {
        try (UnixSocket socket = new UnixSocket(PostgresFixture.socket())) {
            socket.connect(new InetSocketAddress("localhost", 1), 1000);
            socket.setSoTimeout(50);
            long start = System.nanoTime();
            assertThatThrownBy(() -> socket.getInputStream().read())
                    .isInstanceOf(SocketTimeoutException.class);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isGreaterThan(Duration.ofMillis(49));
        }
    }

    @Test
    void aCloseEndsAWaitingRead() throws Exception {
        UnixSocket socket = new UnixSocket(PostgresFixture.socket());
        socket.connect(new InetSocketAddress("localhost", 1), 1000);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Integer> read = threads.submit(() -> socket.getInputStream().read());
            socket.close();
            assertThatThrownBy(() -> read.get(10, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(IOException.class);
        }
    }

    @Test
    void pagesFollowEachOtherInAnyOrder() {
        database.run(
                handle -> {
                    handle.execute("CREATE TABLE page (id text PRIMARY KEY, name text, n int)");
                    for (int i = 0; i < 25; i++) {
                        handle.execute(
                                "INSERT INTO page VALUES (?, ?, ?)", "i" + i, "n" + i % 3, i);
                    }
                });
        List<String> seen = new ArrayList<>();
        Optional<String> marker = Optional.empty();
        for (int i = 0; i < 6; i++) {
            List<String> page = page(4, marker, new Page.Sort("name", true));
            seen.addAll(page);
            marker = Optional.of(page.getLast());
        }
        seen.addAll(page(4, marker, new Page.Sort("name", true)));
        assertThat(seen).hasSize(25).doesNotHaveDuplicates();
        assertThat(seen).isEqualTo(page(1000, Optional.empty(), new Page.Sort("name", true)));
        assertThatThrownBy(() -> page(4, Optional.of("nobody"), new Page.Sort("name", true)))
                .hasMessageContaining("marker");
        assertThatThrownBy(() -> page(4, Optional.empty(), new Page.Sort("n; DROP", true)))
                .hasMessageContaining("Sort key");
    }

    private List<String> page(int limit, Optional<String> marker, Page.Sort sort) {
        Page query = new Page(limit, marker, List.of(sort), false, 0);
        return database.read(
                handle ->
                        new ListSql("SELECT * FROM page", Map.of("id", "id", "name", "name"))
                                .where("n >= ?", 0)
                                .page(
                                        handle,
                                        query,
                                        List.of(),
                                        (row, context) -> row.getString("id"))
                                .rows());
    }

    @Test
    void aPageHasABoundInBytes() {
        int count = 100;
        int size = 100_000;
        database.run(
                handle -> {
                    handle.execute("CREATE TABLE heavy (id text PRIMARY KEY, body text)");
                    handle.execute(
                            "INSERT INTO heavy SELECT to_char(n, 'FM000'), repeat('x', ?)"
                                    + " FROM generate_series(1, ?) n",
                            size,
                            count);
                    handle.execute(
                            "INSERT INTO heavy VALUES ('999', repeat('x', ?))",
                            2 * ListSql.MAX_PAGE_BYTES);
                });
        List<String> seen = new ArrayList<>();
        Optional<String> marker = Optional.empty();
        Listed<String> page;
        do {
            page = heavy(marker);
            assertThat(page.rows().size()).isBetween(1, ListSql.MAX_PAGE_BYTES / size);
            seen.addAll(page.rows());
            marker = Optional.of(page.rows().getLast());
        } while (page.more());
        // The last row alone is larger than a page, and comes alone.
        assertThat(page.rows()).containsExactly("999");
        assertThat(seen).hasSize(count + 1).doesNotHaveDuplicates();
    }

    private Listed<String> heavy(Optional<String> marker) {
        Page query = new Page(1000, marker, List.of(), false, 0);
        return database.read(
                handle ->
                        new ListSql("SELECT * FROM heavy", Map.of("id", "id"))
                                .page(
                                        handle,
                                        query,
                                        List.of(),
                                        (row, context) -> row.getString("id")));
    }

    private void increment() {
        database.run(
                handle -> {
                    long n =
                            handle.select("SELECT n FROM thing WHERE id = 'counter'")
                                    .mapTo(Long.class)
                                    .one();
                    handle.execute("UPDATE thing SET n = ? WHERE id = 'counter'", n + 1);
                });
    }

    private long count(String sql) {
        return database.read(handle -> handle.select(sql).mapTo(Long.class).one());
    }

    private static void repeat(int times, Runnable work) {
        for (int i = 0; i < times; i++) {
            work.run();
        }
    }
}
