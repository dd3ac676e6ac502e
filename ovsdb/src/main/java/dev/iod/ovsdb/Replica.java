package dev.iod.ovsdb;

import dev.iod.ovsdb.Message.Body;
import dev.iod.ovsdb.Message.Outcome;
import dev.iod.ovsdb.OvsdbException.Category;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import tools.jackson.core.JacksonException;

/**
 * A live copy of chosen tables of an OVSDB database, and transactions on that database. It
 * reconnects by itself, for ever; while disconnected its rows stay as they were, and after a
 * reconnection one {@link Update} carries exactly what differs. See the package for an example.
 */
public final class Replica implements AutoCloseable {
    /** Requests that may be unanswered at a time. */
    public static final int PENDING_LIMIT = 256;

    /** Longest request. */
    public static final int REQUEST_LIMIT_BYTES = 64 << 20;

    private static final System.Logger LOG = System.getLogger(Replica.class.getName());
    private static final String MONITOR = "replica";
    private static final UUID NO_TRANSACTION = new UUID(0, 0);

    private final Config config;
    private final Update.Listener listener;
    private final Contents contents = new Contents();
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final CountDownLatch firstSync = new CountDownLatch(1);
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private final Thread probe;

    /** What conditions are wanted, and which version of them the server works by. */
    private final Object conditionLock = new Object();

    private final Map<String, List<Condition>> conditions = new HashMap<>();
    private long conditionVersion;
    private long acknowledgedVersion;

    private UUID lastTransaction = NO_TRANSACTION;
    private volatile Optional<Session> connecting = Optional.empty();
    private volatile Optional<Session> live = Optional.empty();

    /** The listener knows the rows of the present connection. */
    private volatile boolean delivered;

    private volatile Status status = new Status(false, 0, "not connected yet");

    /**
     * @param name of this replica, for threads and logs
     * @param tls needed when an endpoint is {@link Endpoint.Tls}; carries the client certificate
     * @param probeInterval over TLS an echo is sent after this silence, and the connection is
     *     closed when nothing comes for as long again; for twelve times as long when another
     *     request is unanswered, because a server that works on one says nothing. Over a unix
     *     socket the kernel tells when the server is gone, and nothing is sent
     * @param connectTimeout of connect and TLS handshake
     * @param maxBackoff longest pause between rounds of connection attempts
     */
    public record Config(
            String name,
            String database,
            List<Endpoint> endpoints,
            Optional<SSLContext> tls,
            List<Table> tables,
            Duration probeInterval,
            Duration connectTimeout,
            Duration maxBackoff) {
        public Config {
            if (endpoints.isEmpty() || tables.isEmpty()) {
                throw new IllegalArgumentException("at least one endpoint and one table");
            }
        }

        /** Probe after 10 s, connect within 5 s, pause at most 8 s. */
        public static Config of(
                String name, String database, List<Endpoint> endpoints, List<Table> tables) {
            return new Config(
                    name,
                    database,
                    endpoints,
                    Optional.empty(),
                    tables,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(8));
        }

        public Config tls(SSLContext context) {
            return new Config(
                    name,
                    database,
                    endpoints,
                    Optional.of(context),
                    tables,
                    probeInterval,
                    connectTimeout,
                    maxBackoff);
        }
    }

    /**
     * @param synced connected, and the rows are current
     * @param connections how often a connection was brought to that state
     * @param problem why it is not connected, or the last reason
     */
    public record Status(boolean synced, long connections, String problem) {}

    /** The rows, as one consistent state; valid only inside {@link Replica#read}. */
    public final class View {
        private View() {}

        public Map<UUID, Row> table(String name) {
            return contents.table(name);
        }

        public Stream<Row> rows(String table) {
            return table(table).values().stream();
        }

        public Optional<Row> row(String table, UUID uuid) {
            return Optional.ofNullable(table(table).get(uuid));
        }

        public Optional<Row> first(String table, Predicate<Row> test) {
            return rows(table).filter(test).findFirst();
        }
    }

    private Replica(Config config, Update.Listener listener) {
        this.config = config;
        this.listener = listener;
        for (Table table : config.tables()) {
            table.where().ifPresent(where -> conditions.put(table.name(), where));
        }
        thread = Thread.ofPlatform().name("ovsdb-" + config.name()).daemon().unstarted(this::run);
        probe =
                Thread.ofPlatform()
                        .name("ovsdb-" + config.name() + "-probe")
                        .daemon()
                        .unstarted(this::watch);
    }

    /** Starts connecting; returns at once. */
    public static Replica open(Config config, Update.Listener listener) {
        var replica = new Replica(config, listener);
        replica.thread.start();
        replica.probe.start();
        return replica;
    }

    public Status status() {
        return status;
    }

    /**
     * Waits for the first complete contents.
     *
     * @throws OvsdbException DISCONNECTED with the last reason when it takes longer
     */
    public void awaitSynced(Duration timeout) {
        try {
            if (firstSync.await(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new OvsdbException(
                Category.DISCONNECTED,
                config.database() + " is not replicated yet: " + status.problem());
    }

    /** Runs the function on a consistent state; updates wait meanwhile, so it must be quick. */
    public <T> T read(Function<View, T> function) {
        lock.readLock().lock();
        try {
            return function.apply(new View());
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Runs a transaction. The future completes in the replica's thread, after the rows it changed
     * are in the replica; it fails with an {@link OvsdbException}.
     */
    public CompletableFuture<List<Operation.Result>> transact(
            List<Operation> operations, Duration deadline) {
        Optional<Session> session = live;
        if (session.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new OvsdbException(
                            Category.DISCONNECTED,
                            "not connected to " + config.database() + ": " + status.problem()));
        }
        return session.get()
                .submit(
                        Optional.of(deadline),
                        id -> MessageWriter.transact(id, config.database(), operations))
                .handle(
                        (reply, error) -> {
                            if (error != null) {
                                throw unwrapped(error);
                            }
                            return results(reply);
                        });
    }

    /**
     * {@link #transact} and wait; not for the listener.
     *
     * @throws OvsdbException as {@code transact}
     */
    public List<Operation.Result> transactAndWait(List<Operation> operations, Duration deadline) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException("a listener must not wait for a transaction");
        }
        try {
            return transact(operations, deadline)
                    .get(deadline.toMillis() + 1000, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw unwrapped(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OvsdbException(Category.NO_ANSWER, "interrupted", e);
        }
    }

    /**
     * Replaces the conditions of some tables (a row is replicated when any condition holds; an
     * empty list selects nothing). The future completes when the rows selected now are in the
     * replica; it fails when the connection is lost, and the next one uses the new conditions.
     */
    public CompletableFuture<Void> select(Map<String, List<Condition>> changed) {
        synchronized (conditionLock) {
            conditions.putAll(changed);
            long version = ++conditionVersion;
            Optional<Session> session = live;
            if (session.isEmpty()) {
                return CompletableFuture.failedFuture(
                        new OvsdbException(Category.DISCONNECTED, "not connected"));
            }
            return changeConditions(session.get(), version, changed);
        }
    }

    /**
     * Whether the rows are current and selected by the latest conditions, and the listener was told
     * all of them. An update, possibly empty, follows whenever this becomes true by reconnecting.
     */
    public boolean settled() {
        synchronized (conditionLock) {
            return live.isPresent() && delivered && acknowledgedVersion == conditionVersion;
        }
    }

    private CompletableFuture<Void> changeConditions(
            Session session, long version, Map<String, List<Condition>> changed) {
        var snapshot = Map.copyOf(changed);
        return session.submit(
                        // The server may have to look at every row; without the answer nothing
                        // would ever be settled again.
                        Optional.empty(),
                        id -> MessageWriter.conditionChange(id, MONITOR, snapshot))
                .thenAccept(
                        reply -> {
                            reply.failure().ifPresent(Session::raise);
                            synchronized (conditionLock) {
                                acknowledgedVersion = Math.max(acknowledgedVersion, version);
                            }
                        });
    }

    /** Ends the threads and the connection; pending transactions fail. */
    @Override
    public void close() {
        stop.countDown();
        connecting.ifPresent(Session::close);
        if (Thread.currentThread() != thread) {
            try {
                thread.join(Duration.ofSeconds(5));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        long backoffMillis = 0;
        int next = 0;
        while (stop.getCount() > 0) {
            Endpoint endpoint = config.endpoints().get(next);
            long before = status.connections();
            String problem;
            try (Session session =
                    new Session(Transport.open(endpoint, config.tls(), config.connectTimeout()))) {
                connecting = Optional.of(session);
                serve(session);
                problem = "closed";
            } catch (OvsdbException | JacksonException | IOException e) {
                problem = String.valueOf(e.getMessage());
            } catch (RuntimeException e) {
                problem = "unexpected answer: " + e;
                LOG.log(System.Logger.Level.WARNING, config.name() + ": " + problem, e);
            } finally {
                delivered = false;
                live = Optional.empty();
                connecting = Optional.empty();
            }
            boolean worked = status.connections() > before;
            status = new Status(false, status.connections(), endpoint + ": " + problem);
            next = (next + 1) % config.endpoints().size();
            if (worked) {
                backoffMillis = 0;
            } else if (next == 0) {
                backoffMillis =
                        Math.min(Math.max(250, 2 * backoffMillis), config.maxBackoff().toMillis());
            }
            if (stop.getCount() > 0) {
                LOG.log(System.Logger.Level.INFO, config.name() + ": " + status.problem());
                pause(worked ? 50 : backoffMillis);
            }
        }
    }

    /** Half of the pause is random, so that a region's nodes do not return all at once. */
    private void pause(long millis) {
        try {
            long random = ThreadLocalRandom.current().nextLong(millis / 2 + 1);
            boolean stopped = stop.await(millis - random, TimeUnit.MILLISECONDS);
            assert !stopped || stop.getCount() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop.countDown();
        }
    }

    private void watch() {
        long millis = Math.max(50, config.probeInterval().toMillis() / 4);
        try {
            while (!stop.await(millis, TimeUnit.MILLISECONDS)) {
                connecting.ifPresent(session -> session.probe(config.probeInterval()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(Session session) {
        Body answer =
                session.call(
                        MessageReader.Expected.SCHEMA,
                        id -> MessageWriter.schema(id, config.database()));
        if (!(answer instanceof Body.SchemaFound(Schema schema))) {
            throw new OvsdbException(Category.PROTOCOL, "no schema in the answer");
        }
        Map<String, Row.Layout> layouts = layouts(schema);
        if (contents.layouts(layouts)) {
            // Other columns than before: differences would not fit the rows.
            lastTransaction = NO_TRANSACTION;
        }
        session.layouts(layouts);
        synchronize(session, layouts);
        while (stop.getCount() > 0) {
            session.next().ifPresent(this::update);
        }
    }

    private void synchronize(Session session, Map<String, Row.Layout> layouts) {
        Map<String, List<Condition>> where;
        long version;
        UUID since;
        synchronized (conditionLock) {
            where = Map.copyOf(conditions);
            version = conditionVersion;
            // Rows that only the new conditions select are not in a continuation.
            since = acknowledgedVersion == version ? lastTransaction : NO_TRANSACTION;
        }
        Body.Contents found = monitor(session, layouts, where, since);
        boolean resumed = found.since().map(Message.Since::found).orElse(false);
        Update update;
        lock.writeLock().lock();
        try {
            List<Update.Change> changes =
                    resumed ? contents.apply(found.tables()) : contents.replace(found.tables());
            update = new Update(true, changes);
        } finally {
            lock.writeLock().unlock();
        }
        lastTransaction =
                found.since()
                        .map(s -> ValueReader.uuid(s.lastTransaction()))
                        .orElse(NO_TRANSACTION);
        synchronized (conditionLock) {
            acknowledgedVersion = version;
            live = Optional.of(session);
            status = new Status(true, status.connections() + 1, "");
            if (conditionVersion != version) {
                changeConditions(session, conditionVersion, Map.copyOf(conditions));
            }
        }
        tell(update);
        delivered = true;
        firstSync.countDown();
        // For who waits for settled(): it was not yet true when the rows were told.
        tell(new Update(false, List.of()));
    }

    private Body.Contents monitor(
            Session session,
            Map<String, Row.Layout> layouts,
            Map<String, List<Condition>> where,
            UUID since) {
        Body answer;
        try {
            answer = monitorCall(session, layouts, where, Optional.of(since));
        } catch (OvsdbException e) {
            if (!String.valueOf(e.getMessage()).contains("unknown method")) {
                throw e;
            }
            answer = monitorCall(session, layouts, where, Optional.empty());
        }
        if (answer instanceof Body.Contents found) {
            return found;
        }
        throw new OvsdbException(Category.PROTOCOL, "no contents in the answer to the monitor");
    }

    private Body monitorCall(
            Session session,
            Map<String, Row.Layout> layouts,
            Map<String, List<Condition>> where,
            Optional<UUID> since) {
        return session.call(
                MessageReader.Expected.CONTENTS,
                id ->
                        MessageWriter.monitor(
                                id, config.database(), MONITOR, layouts.values(), where, since));
    }

    private Map<String, Row.Layout> layouts(Schema schema) {
        var layouts = new LinkedHashMap<String, Row.Layout>();
        for (Table table : config.tables()) {
            Map<String, Schema.ColumnType> columns = schema.tables().get(table.name());
            if (columns == null) {
                throw new OvsdbException(
                        Category.SCHEMA, config.database() + " has no table " + table.name());
            }
            var names = new ArrayList<>(table.columns());
            table.optionalColumns().stream().filter(columns::containsKey).forEach(names::add);
            var types = new ArrayList<Schema.ColumnType>();
            for (String column : names) {
                Schema.ColumnType type = columns.get(column);
                if (type == null) {
                    throw new OvsdbException(
                            Category.SCHEMA, "table " + table.name() + " has no column " + column);
                }
                types.add(type);
            }
            layouts.put(table.name(), new Row.Layout(table.name(), List.copyOf(names), types));
        }
        return layouts;
    }

    private void update(Session.Notified notified) {
        List<Update.Change> changes;
        lock.writeLock().lock();
        try {
            changes = contents.apply(notified.tables());
        } finally {
            lock.writeLock().unlock();
        }
        notified.lastTransaction().ifPresent(last -> lastTransaction = ValueReader.uuid(last));
        if (!changes.isEmpty()) {
            tell(new Update(false, changes));
        }
    }

    private void tell(Update update) {
        try {
            listener.changed(update);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, config.name() + ": the listener failed", e);
        }
    }

    private static List<Operation.Result> results(Message.Reply reply) {
        reply.failure().ifPresent(Session::raise);
        if (!(reply.body() instanceof Body.Outcomes(List<Outcome> outcomes))) {
            throw new OvsdbException(Category.PROTOCOL, "a transaction's result is no array");
        }
        var results = new ArrayList<Operation.Result>();
        for (Outcome outcome : outcomes) {
            switch (outcome) {
                case Outcome.Done(Operation.Result result) -> results.add(result);
                case Outcome.Failed(Message.Failure failure) -> Session.raise(failure);
                case Outcome.Skipped ignored -> {}
            }
        }
        return results;
    }

    private static OvsdbException unwrapped(Throwable error) {
        Throwable cause = error;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof OvsdbException known) {
            return known;
        }
        if (cause instanceof TimeoutException) {
            return new OvsdbException(Category.NO_ANSWER, "no answer in time", cause);
        }
        return new OvsdbException(Category.OTHER, String.valueOf(cause.getMessage()), cause);
    }
}
