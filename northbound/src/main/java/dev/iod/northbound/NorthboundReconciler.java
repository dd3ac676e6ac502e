package dev.iod.northbound;

import dev.iod.network.NetworkSnapshot;
import dev.iod.network.SnapshotStore;
import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.OvsdbException;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Row;
import dev.iod.store.Database;
import dev.iod.store.Notifications;
import dev.iod.store.StoreException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.JdbiException;

/**
 * Keeps OVN's northbound database equal to the {@link NorthboundPlan}, and the observed state of
 * ports in SQL equal to what OVN reports. It compares whole states, so it does not matter what woke
 * it, what it missed, or where it was killed; a wiped database is filled again. Rows that do not
 * carry our owner are left alone.
 *
 * <p>One thread, {@code northbound}, does all work: after a change of intent commits, after a
 * change of the northbound database, and every {@link #FULL_CHECK}.
 */
public final class NorthboundReconciler implements AutoCloseable {
    /** How often everything is compared although nothing seems to have changed. */
    public static final Duration FULL_CHECK = Duration.ofSeconds(60);

    /** The channel on which the database tells of changes of intent. */
    static final String CHANNEL = "network_intent";

    /** Operations after which a transaction takes no further row. */
    static final int TRANSACTION_LIMIT = 500;

    /** Transactions of one round. */
    static final int PASSES_LIMIT = 100_000;

    private static final System.Logger LOG = System.getLogger(NorthboundReconciler.class.getName());
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final long FIRST_PAUSE_MILLIS = 200;
    private static final long LONGEST_PAUSE_MILLIS = 15_000;

    private final Database database;
    private final String owner;
    private final int transactionLimit;
    private final Semaphore wake = new Semaphore(0);
    private final Replica northbound;
    private final Notifications.Subscription subscription;
    private final Thread thread;
    private volatile boolean intentChanged = true;
    private volatile boolean stopping;
    private volatile Status status = new Status(0, "starting");

    /** Only touched by the thread: the plan of the last intent read, and what SQL says of ports. */
    private NorthboundPlan plan = NorthboundPlan.ofRows(List.of());

    private Map<UUID, Boolean> activeById = new HashMap<>();

    /**
     * @param rounds how often both sides were found or made equal
     * @param problem why they are not equal now; empty if they were, last time
     */
    public record Status(long rounds, String problem) {}

    private NorthboundReconciler(
            Database database, Endpoint endpoint, String owner, int transactionLimit) {
        this.database = database;
        this.owner = owner;
        this.transactionLimit = transactionLimit;
        northbound =
                Replica.open(
                        Replica.Config.of(
                                "northbound",
                                "OVN_Northbound",
                                List.of(endpoint),
                                NorthboundTables.all()),
                        update -> wake.release());
        subscription =
                database.notifications().subscribe(CHANNEL, payload -> intentMayHaveChanged());
        thread = Thread.ofPlatform().name("northbound").unstarted(this::run);
    }

    /**
     * Starts; the northbound database need not be there yet.
     *
     * @param endpoint {@code unix:PATH} or {@code ssl:HOST:PORT}
     * @param owner marks our rows; the same for every control plane of a region
     */
    public static NorthboundReconciler start(Database database, String endpoint, String owner) {
        return start(database, endpoint, owner, TRANSACTION_LIMIT);
    }

    static NorthboundReconciler start(
            Database database, String endpoint, String owner, int transactionLimit) {
        var reconciler =
                new NorthboundReconciler(
                        database, Endpoint.parse(endpoint), owner, transactionLimit);
        reconciler.thread.start();
        return reconciler;
    }

    /** What the last round came to. */
    public Status status() {
        return status;
    }

    /** Reads the intent again, soon. */
    public void intentMayHaveChanged() {
        intentChanged = true;
        wake.release();
    }

    @Override
    public void close() {
        stopping = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        subscription.close();
        northbound.close();
    }

    private void run() {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        while (!stopping) {
            try {
                doWork();
                status = new Status(status.rounds() + 1, "");
                pauseMillis = FIRST_PAUSE_MILLIS;
                awaitWork(FULL_CHECK.toMillis());
            } catch (RuntimeException e) {
                // Also what should not happen: a reconciler that ends would leave OVN as it is.
                if (!stopping) {
                    report(e);
                    intentChanged = true;
                    awaitWork(pauseMillis);
                    pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
                }
            }
        }
    }

    /** One round: ends when both sides are equal, or with the exception that prevents it. */
    private void doWork() {
        northbound.awaitSynced(CONNECT);
        if (!northbound.status().synced()) {
            throw new OvsdbException(
                    OvsdbException.Category.DISCONNECTED,
                    "OVN northbound: " + northbound.status().problem());
        }
        if (intentChanged) {
            intentChanged = false;
            NetworkSnapshot snapshot = database.read(SnapshotStore::read);
            plan = NorthboundPlan.of(snapshot, owner);
            var active = new HashMap<UUID, Boolean>();
            snapshot.ports().forEach(port -> active.put(port.id(), port.active()));
            activeById = active;
        }
        Map<String, String> refused = converge();
        recordActivePorts();
        if (!refused.isEmpty()) {
            throw new OvsdbException(
                    OvsdbException.Category.CONSTRAINT_VIOLATION,
                    "the northbound database refuses %d rows: %s"
                            .formatted(refused.size(), refused.entrySet().iterator().next()));
        }
    }

    /**
     * Runs transactions until nothing differs. When one is refused, the rest goes row by row, so
     * that a row that can never be taken holds up nothing but itself.
     *
     * @return the rows that were refused, and why
     */
    private Map<String, String> converge() {
        var refused = new LinkedHashMap<String, String>();
        int limit = transactionLimit;
        for (int pass = 0; pass < PASSES_LIMIT; pass++) {
            NorthboundDiff.Step step = next(limit, refused.keySet());
            if (step.operations().isEmpty() || stopping) {
                return refused;
            }
            try {
                northbound.transactAndWait(step.operations(), DEADLINE);
            } catch (OvsdbException e) {
                if (!isRefusal(e)) {
                    throw e;
                }
                if (limit == 1) {
                    refused.put(step.last(), firstSentence(e));
                }
                limit = 1;
            }
        }
        throw new OvsdbException(
                OvsdbException.Category.RESOURCES,
                "the northbound database still differs after " + PASSES_LIMIT + " transactions");
    }

    /** The sentences after it name rows by ids that are new at each attempt. */
    private static String firstSentence(OvsdbException error) {
        return String.valueOf(error.getMessage()).split("\\.\\s", 2)[0];
    }

    private static boolean isRefusal(OvsdbException error) {
        return switch (error.category()) {
            case CONSTRAINT_VIOLATION, REFERENTIAL_INTEGRITY, OTHER -> true;
            case WAIT_TIMED_OUT, PERMISSION, DISCONNECTED, NO_ANSWER, RESOURCES, SCHEMA, PROTOCOL ->
                    false;
        };
    }

    private NorthboundDiff.Step next(int limit, Set<String> refused) {
        return northbound.read(
                view ->
                        NorthboundDiff.next(
                                plan, NorthboundState.of(view, owner), owner, limit, refused));
    }

    private void recordActivePorts() {
        Map<UUID, Boolean> changed = northbound.read(this::changedPorts);
        if (changed.isEmpty()) {
            return;
        }
        database.run(handle -> SnapshotStore.setActive(handle, changed));
        activeById.putAll(changed);
    }

    private Map<UUID, Boolean> changedPorts(Replica.View view) {
        Map<String, Row> rows = NorthboundState.of(view, owner).rows(NbTable.LOGICAL_SWITCH_PORT);
        var changed = new HashMap<UUID, Boolean>();
        activeById.forEach(
                (id, recorded) -> {
                    boolean up =
                            Optional.ofNullable(rows.get(id.toString()))
                                    .flatMap(row -> row.optionalBool("up"))
                                    .orElse(false);
                    if (up != recorded) {
                        changed.put(id, up);
                    }
                });
        return changed;
    }

    /** Waits until somebody wakes us, and takes everything that has been asked until then. */
    private void awaitWork(long millis) {
        try {
            if (wake.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                wake.drainPermits();
            } else {
                intentChanged = true;
            }
        } catch (InterruptedException e) {
            // Only close() interrupts; the loop ends by its flag.
            stopping = true;
        }
    }

    private void report(RuntimeException error) {
        String problem = Optional.ofNullable(error.getMessage()).orElse(error.toString());
        boolean expected =
                error instanceof OvsdbException
                        || error instanceof StoreException
                        || error instanceof JdbiException;
        if (!expected) {
            LOG.log(System.Logger.Level.ERROR, "networks cannot be brought to OVN", error);
        } else if (!problem.equals(status.problem())) {
            LOG.log(System.Logger.Level.WARNING, "networks are not in OVN yet: " + problem);
        }
        status = new Status(status.rounds(), problem);
    }
}
