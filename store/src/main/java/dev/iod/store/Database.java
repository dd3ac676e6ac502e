package dev.iod.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.iod.store.StoreException.Reason;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;

/** The region's PostgreSQL database. Thread-safe. */
public final class Database implements AutoCloseable {
    /** How often a transaction is tried when others get in its way. */
    public static final int MAX_ATTEMPTS = 30;

    /** How often a read is tried when its connection breaks. */
    static final int MAX_READ_ATTEMPTS = 20;

    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final String SERIALIZATION_FAILURE = "40001";
    private static final String DEADLOCK = "40P01";
    private static final String FOREIGN_KEY_VIOLATION = "23503";

    private final HikariDataSource pool;
    private final Jdbi jdbi;
    private final Notifications notifications;
    private final LongAdder collisions = new LongAdder();

    private Database(HikariDataSource pool) {
        this.pool = pool;
        this.jdbi = Jdbi.create(pool).installPlugin(new TextMaps());
        // Exceptions are logged, and what is bound to a statement may be a secret.
        jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
        this.notifications = new Notifications(pool.getJdbcUrl());
    }

    /**
     * Connects and starts to listen for notifications. The schema is as it was, see {@link
     * #migrate}.
     *
     * @param url JDBC URL, user and password included where needed
     * @param poolSize connections kept
     */
    public static Database open(String url, int poolSize) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setPoolName("control");
        // Nor does a message repeat the row that a constraint refused.
        config.addDataSourceProperty("logServerErrorDetail", "false");
        config.setMaximumPoolSize(poolSize);
        config.setMinimumIdle(Math.min(2, poolSize));
        config.setConnectionTimeout(Duration.ofSeconds(10).toMillis());
        config.setAutoCommit(true);
        // The database may be starting beside us.
        config.setInitializationFailTimeout(START_LIMIT.toMillis());
        HikariDataSource pool = new HikariDataSource(config);
        return new Database(pool);
    }

    /**
     * Brings the schema up to date.
     *
     * @param folders where the migrations of each service are on the class path; their versions
     *     make one sequence
     * @throws IllegalStateException when a newer release has been here: what it wrote would be
     *     misread, and what nodes have that this release does not know would be given up
     */
    public void migrate(Collection<String> folders) {
        Flyway flyway =
                Flyway.configure(Database.class.getClassLoader())
                        .dataSource(pool)
                        .locations(
                                folders.stream()
                                        .map(folder -> "classpath:" + folder)
                                        .toArray(String[]::new))
                        .load();
        for (MigrationInfo migration : flyway.info().all()) {
            if (migration.getState() == MigrationState.FUTURE_SUCCESS) {
                throw new IllegalStateException(
                        "the database is of a newer release (it has migration %s): start that one"
                                .formatted(migration.getVersion()));
            }
        }
        flyway.migrate();
    }

    /**
     * Runs work in one serializable transaction, again if it collides with another one. The work
     * must have no effect but through its handle; {@link #notify} is one, it is sent at commit.
     *
     * @throws StoreException when the database is away or stays contended; whatever the work throws
     */
    public <T> T transaction(Function<Handle, T> work) {
        return transaction(TransactionIsolationLevel.SERIALIZABLE, work);
    }

    /**
     * Runs work in one read-committed transaction, for what many do at once: each statement sees
     * what was committed before it, so the work locks the rows it decides by before it reads them
     * ({@code SELECT … FOR UPDATE}), and those who decide by the same rows wait for each other
     * instead of being run again. Where serializable transactions decide by them too, the lock is a
     * write, which makes those collide. Otherwise as {@link #transaction}.
     */
    public <T> T locked(Function<Handle, T> work) {
        return transaction(TransactionIsolationLevel.READ_COMMITTED, work);
    }

    /** The same for work without a result. */
    public void runLocked(Consumer<Handle> work) {
        locked(
                handle -> {
                    work.accept(handle);
                    return true;
                });
    }

    /** How many attempts at transactions were rolled back because of others, since the start. */
    public long collisions() {
        return collisions.sum();
    }

    private <T> T transaction(TransactionIsolationLevel isolation, Function<Handle, T> work) {
        for (int attempt = 1; ; attempt++) {
            try {
                return jdbi.<T, RuntimeException>inTransaction(isolation, work::apply);
            } catch (ConnectionException e) {
                throw unavailable(e);
            } catch (RuntimeException e) {
                if (lost(e)) {
                    throw unavailable(e);
                }
                Optional<StoreException> full = full(e);
                if (full.isPresent()) {
                    throw full.get();
                }
                // A constraint may speak of what another transaction has just committed: the second
                // attempt sees that, and says in its own words what is wrong.
                if (!collided(e) && !(attempt == 1 && violated(e))) {
                    throw e;
                }
                if (attempt == MAX_ATTEMPTS) {
                    throw new StoreException(
                            Reason.UNAVAILABLE, "The database is too busy; try again.", e);
                }
                if (collided(e)) {
                    collisions.increment();
                    pause(attempt);
                }
            }
        }
    }

    /** The same for work without a result. */
    public void run(Consumer<Handle> work) {
        transaction(
                handle -> {
                    work.accept(handle);
                    return true;
                });
    }

    /**
     * Runs queries on one consistent snapshot; changes are refused by the database. Queries are
     * repeated when the connection was lost, for example because the database was restarted.
     *
     * @throws StoreException when the database is away; whatever the work throws
     */
    public <T> T read(Function<Handle, T> work) {
        for (int attempt = 1; ; attempt++) {
            try {
                return jdbi.<T, RuntimeException>inTransaction(
                        TransactionIsolationLevel.REPEATABLE_READ,
                        handle -> {
                            handle.execute("SET TRANSACTION READ ONLY");
                            return work.apply(handle);
                        });
            } catch (ConnectionException e) {
                throw unavailable(e);
            } catch (RuntimeException e) {
                if (!lost(e)) {
                    throw full(e).<RuntimeException>map(outcome -> outcome).orElse(e);
                }
                if (attempt == MAX_READ_ATTEMPTS) {
                    throw unavailable(e);
                }
                pause(attempt);
            }
        }
    }

    /** Tells every subscriber of the channel, in any process, when this transaction commits. */
    public static void notify(Handle handle, String channel, String payload) {
        handle.createQuery("SELECT pg_notify(:channel, :payload)")
                .bind("channel", channel)
                .bind("payload", payload)
                .mapToMap()
                .list();
    }

    /** Where to subscribe to {@link #notify}. */
    public Notifications notifications() {
        return notifications;
    }

    /** Closes all connections. */
    @Override
    public void close() {
        notifications.close();
        pool.close();
    }

    /** Whether an exception of Jdbi means that the given constraint was violated. */
    public static boolean violates(Throwable error, String constraint) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof org.postgresql.util.PSQLException sql) {
                var message = sql.getServerErrorMessage();
                return message != null && constraint.equals(message.getConstraint());
            }
        }
        return false;
    }

    private static boolean collided(Throwable error) {
        String state = sqlState(error);
        return state.equals(SERIALIZATION_FAILURE) || state.equals(DEADLOCK);
    }

    /** Not of what {@link Table} reports: that has its words already. */
    private static boolean violated(RuntimeException error) {
        if (error instanceof StoreException) {
            return false;
        }
        String state = sqlState(error);
        return state.equals(FOREIGN_KEY_VIOLATION) || state.equals(StoreException.UNIQUE_VIOLATION);
    }

    /** Class 08 is a broken connection, 57P a server that is stopping or starting. */
    private static boolean lost(Throwable error) {
        String state = sqlState(error);
        return state.startsWith("08") || state.startsWith("57P");
    }

    private static String sqlState(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && sql.getSQLState() != null) {
                return sql.getSQLState();
            }
        }
        return "";
    }

    private static StoreException unavailable(RuntimeException e) {
        return new StoreException(
                Reason.UNAVAILABLE, "The database cannot be reached; try again.", e);
    }

    /** Class 53: the server lacks what a statement needs, which the next try would lack too. */
    private static Optional<StoreException> full(RuntimeException e) {
        String state = sqlState(e);
        if (!state.startsWith("53")) {
            return Optional.empty();
        }
        String lacks =
                switch (state) {
                    case "53100" -> "The database's disk is full";
                    case "53200" -> "The database has no memory left";
                    case "53300" -> "The database has too many connections";
                    default -> "The database has reached a limit";
                };
        return Optional.of(
                new StoreException(
                        Reason.UNAVAILABLE, lacks + "; try again when there is room.", e));
    }

    private static void pause(int attempt) {
        try {
            // Full jitter, bounded: 1 ms … 100 ms.
            Thread.sleep(
                    Duration.ofMillis(
                            ThreadLocalRandom.current().nextLong(1, Math.min(100, 2L << attempt))));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Reason.UNAVAILABLE, "The region is stopping.", e);
        }
    }
}
