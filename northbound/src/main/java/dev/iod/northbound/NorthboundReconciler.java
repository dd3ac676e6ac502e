package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import dev.iod.network.NetworkSnapshot;
import dev.iod.network.SnapshotStore;
import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.OvsdbException;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Update;
import dev.iod.store.Database;
import dev.iod.store.Notifications;
import dev.iod.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.JdbiException;

/**
 * Keeps OVN's northbound database equal to the {@link NorthboundPlan}, and the observed state of
 * ports in SQL equal to what OVN reports. Rows that do not carry our owner are left alone.
 *
 * <p>The work is by unit ({@link IntentUnit}): a change of intent, or of rows of ours, makes its
 * units dirty; their intent is read, their rows are planned and compared, and what differs is
 * written, as a rule in one transaction for each. Everything is compared after the start, after a
 * lost connection to either database and every {@link #FULL_CHECK}; this is also what removes rows
 * that no unit wants. A unit whose rows are refused is tried again at growing intervals and holds
 * up no other. Several control planes may do this at once: each follows every change.
 *
 * <p>One thread, {@code northbound}, does all work.
 */
public final class NorthboundReconciler implements AutoCloseable {
    /** How often everything is compared although nothing seems to have changed. */
    public static final Duration FULL_CHECK = Duration.ofMinutes(5);

    /** The same when notifications are late, so that changes may have been missed. */
    static final Duration SUSPECT_CHECK = Duration.ofSeconds(30);

    /** Operations after which a transaction takes no further row. */
    static final int TRANSACTION_LIMIT = 500;

    /** Units whose intent is read at once. */
    static final int READ_LIMIT = 64;

    /** Transactions for one unit in one go. */
    static final int PASSES_LIMIT = 100_000;

    private static final System.Logger LOG = System.getLogger(NorthboundReconciler.class.getName());
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final long FIRST_PAUSE_MILLIS = 200;
    private static final long LONGEST_PAUSE_MILLIS = 15_000;

    private final Database database;
    private final String owner;
    private final int transactionLimit;
    private final Duration fullCheck;
    private final NorthboundIndex index;
    private final DirtyUnits dirty;
    private final Semaphore wake = new Semaphore(0);
    private final Replica northbound;
    private final Notifications.Subscription subscription;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile boolean waiting;
    private volatile Status status = new Status(0, "starting");
    private volatile Work work = new Work(0, 0, 0, 0, 0, 0);

    /** Only touched by the thread. */
    private final Map<IntentUnit, Trouble> troubles = new LinkedHashMap<>();

    private final Map<UUID, Boolean> reported = new HashMap<>();
    private long nextCheckNanos = System.nanoTime();

    /**
     * @param rounds how often both sides were found or made equal
     * @param problem why they are not equal now; empty if they were, last time
     */
    public record Status(long rounds, String problem) {}

    /**
     * What was done since the start.
     *
     * @param fullPasses comparisons of everything
     * @param units that were planned because they were dirty
     * @param rowsRead of intent, for those
     * @param rowsPlanned for those
     * @param transactions that the northbound database took
     * @param surprises units that a check found different although nothing had told of it
     */
    public record Work(
            long fullPasses,
            long units,
            long rowsRead,
            long rowsPlanned,
            long transactions,
            long surprises) {}

    /**
     * Why a unit is not as it shall be.
     *
     * @param refused row → the database's reason
     * @param missing port groups that its ports wait for
     */
    private record Trouble(
            Map<String, String> refused, Set<String> missing, long pauseMillis, long dueNanos) {}

    private NorthboundReconciler(
            Database database,
            Endpoint endpoint,
            String owner,
            int transactionLimit,
            Duration fullCheck) {
        this.database = database;
        this.owner = owner;
        this.transactionLimit = transactionLimit;
        this.fullCheck = fullCheck;
        index = new NorthboundIndex(owner);
        dirty = new DirtyUnits(wake::release);
        northbound =
                Replica.open(
                        Replica.Config.of(
                                "northbound",
                                "OVN_Northbound",
                                List.of(endpoint),
                                NorthboundTables.all()),
                        this::northboundChanged);
        subscription = database.notifications().subscribe(IntentUnit.CHANNEL, dirty::told);
        thread = Thread.ofPlatform().name("northbound").unstarted(this::run);
    }

    /**
     * Starts; the northbound database need not be there yet.
     *
     * @param endpoint {@code unix:PATH} or {@code ssl:HOST:PORT}
     * @param owner marks our rows; the same for every control plane of a region
     */
    public static NorthboundReconciler start(Database database, String endpoint, String owner) {
        return start(database, endpoint, owner, TRANSACTION_LIMIT, FULL_CHECK);
    }

    static NorthboundReconciler start(
            Database database,
            String endpoint,
            String owner,
            int transactionLimit,
            Duration fullCheck) {
        var reconciler =
                new NorthboundReconciler(
                        database, Endpoint.parse(endpoint), owner, transactionLimit, fullCheck);
        reconciler.thread.start();
        return reconciler;
    }

    /** What the last round came to. */
    public Status status() {
        return status;
    }

    /** What was done until now. */
    public Work work() {
        return work;
    }

    /** Whether everything that has been told is done, or waits to be tried again. */
    boolean isIdle() {
        // In this order: what was taken is done when the thread waits again.
        return dirty.isEmpty() && !index.isTouched() && waiting;
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

    /** In the replica's thread. */
    private void northboundChanged(Update update) {
        index.apply(update.changes());
        if (update.resync()) {
            dirty.everything();
        }
        wake.release();
    }

    private void run() {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        while (!stopping) {
            try {
                doWork();
                concludeRound();
                pauseMillis = FIRST_PAUSE_MILLIS;
                awaitWork(untilNextMillis());
            } catch (RuntimeException e) {
                // Also what should not happen: a reconciler that ends would leave OVN as it is.
                if (!stopping) {
                    report(e);
                    awaitWork(pauseMillis);
                    pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
                }
            }
        }
    }

    /** One round: all that is dirty or due, or the exception that prevents it. */
    private void doWork() {
        northbound.awaitSynced(CONNECT);
        if (!northbound.status().synced()) {
            throw new OvsdbException(
                    OvsdbException.Category.DISCONNECTED,
                    "OVN northbound: " + northbound.status().problem());
        }
        boolean wanted = dirty.takeEverything();
        boolean due = nextCheckNanos - System.nanoTime() <= 0;
        if (wanted || due) {
            try {
                compareEverything(!wanted);
            } catch (RuntimeException e) {
                if (wanted) {
                    dirty.restoreEverything();
                }
                throw e;
            }
        }
        var units = new ArrayList<>(dirtyUnits());
        for (int from = 0; from < units.size() && !stopping; from += READ_LIMIT) {
            try {
                bring(units.subList(from, Math.min(units.size(), from + READ_LIMIT)));
            } catch (RuntimeException e) {
                // Some of them are done; to look at those again costs little.
                dirty.restore(units.subList(from, units.size()));
                throw e;
            }
        }
        recordActivePorts();
    }

    /** Those told of by SQL, those whose rows changed in OVN, and those to be tried again. */
    private Set<IntentUnit> dirtyUnits() {
        var units = new TreeSet<>(dirty.take());
        units.addAll(index.takeTouched());
        long now = System.nanoTime();
        troubles.forEach(
                (unit, trouble) -> {
                    if (trouble.dueNanos() - now <= 0) {
                        units.add(unit);
                    }
                });
        return units;
    }

    private void bring(List<IntentUnit> units) {
        NetworkSnapshot snapshot = database.read(handle -> SnapshotStore.read(handle, units));
        NorthboundPlan plan = NorthboundPlan.of(snapshot, owner, units);
        long rows = plan.units().values().stream().mapToLong(UnitPlan::size).sum();
        count(new Work(0, units.size(), snapshot.rows(), rows, 0, 0));
        for (IntentUnit unit : units) {
            converge(plan.unit(unit));
        }
    }

    /**
     * The full pass: the rows of every unit, those of units that are gone, and those of none.
     *
     * @param check nothing is known to have been missed, so what differs is a surprise
     */
    private void compareEverything(boolean check) {
        NetworkSnapshot snapshot = database.read(SnapshotStore::read);
        NorthboundPlan plan = NorthboundPlan.of(snapshot, owner);
        var units = new TreeSet<>(plan.units().keySet());
        units.addAll(index.units());
        units.removeIf(unit -> isAsPlanned(plan.unit(unit)));
        boolean heard = !check || tellSurprises(units);
        for (IntentUnit unit : units) {
            converge(plan.unit(unit));
        }
        for (UnitPlan unit : plan.units().values()) {
            recordReported(unit);
        }
        removeStrays();
        count(new Work(1, 0, 0, 0, 0, 0));
        boolean often = !heard && SUSPECT_CHECK.compareTo(fullCheck) < 0;
        nextCheckNanos = System.nanoTime() + (often ? SUSPECT_CHECK : fullCheck).toNanos();
    }

    private boolean isAsPlanned(UnitPlan plan) {
        NorthboundDiff.Step step = NorthboundDiff.next(plan, index, owner, 1, Set.of());
        return step.operations().isEmpty() && step.missing().isEmpty();
    }

    /**
     * A change may be in the snapshot before its notification has come. After a notification of our
     * own all earlier ones are here: a unit that differs and is not dirty now was missed, or was
     * changed from outside without a trace.
     *
     * @return whether notifications arrive
     */
    private boolean tellSurprises(Set<IntentUnit> differing) {
        boolean heard =
                dirty.awaitFence(
                        payload ->
                                database.run(
                                        handle ->
                                                Database.notify(
                                                        handle, IntentUnit.CHANNEL, payload)));
        List<IntentUnit> surprises =
                differing.stream()
                        .filter(unit -> !dirty.contains(unit) && !index.isTouched(unit))
                        .filter(unit -> !troubles.containsKey(unit))
                        .toList();
        if (!heard) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "notifications of changes are late; networks are compared more often");
        } else if (!surprises.isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a check found %d units different in OVN that nothing told of: %s"
                            .formatted(surprises.size(), surprises.getFirst()));
            count(new Work(0, 0, 0, 0, 0, surprises.size()));
        }
        return heard;
    }

    private void removeStrays() {
        for (int pass = 0; pass < PASSES_LIMIT && !stopping; pass++) {
            NorthboundDiff.Step step =
                    NorthboundDiff.strays(index, owner, transactionLimit, Set.of());
            if (step.operations().isEmpty()) {
                return;
            }
            transact(step);
        }
    }

    /**
     * Runs transactions until nothing of the unit differs. When one is refused, the rest goes row
     * by row, so that a row that can never be taken holds up nothing but itself.
     */
    private void converge(UnitPlan plan) {
        var refused = new LinkedHashMap<String, String>();
        int limit = transactionLimit;
        boolean wrote = false;
        for (int pass = 0; pass < PASSES_LIMIT; pass++) {
            // First, so that a change after this look makes it dirty again.
            index.forgetTouched(plan.unit());
            NorthboundDiff.Step step =
                    NorthboundDiff.next(plan, index, owner, limit, refused.keySet());
            if (step.operations().isEmpty() || stopping) {
                conclude(plan, refused, step.missing(), wrote);
                return;
            }
            try {
                transact(step);
                wrote = true;
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
                "%s still differs after %d transactions".formatted(plan.unit(), PASSES_LIMIT));
    }

    private void conclude(
            UnitPlan plan, Map<String, String> refused, Set<String> missing, boolean wrote) {
        recordReported(plan);
        Trouble before = troubles.remove(plan.unit());
        long now = System.nanoTime();
        if (!refused.isEmpty() || !missing.isEmpty()) {
            long pause =
                    before == null
                            ? FIRST_PAUSE_MILLIS
                            : Math.min(2 * before.pauseMillis(), LONGEST_PAUSE_MILLIS);
            long due = now + TimeUnit.MILLISECONDS.toNanos(pause);
            troubles.put(plan.unit(), new Trouble(refused, missing, pause, due));
        }
        if (wrote && !plan.rows(NbTable.PORT_GROUP).isEmpty()) {
            // It may be the group that others wait for.
            troubles.replaceAll(
                    (unit, trouble) ->
                            trouble.missing().isEmpty()
                                    ? trouble
                                    : new Trouble(
                                            trouble.refused(),
                                            trouble.missing(),
                                            trouble.pauseMillis(),
                                            now));
        }
    }

    private void transact(NorthboundDiff.Step step) {
        northbound.transactAndWait(step.operations(), DEADLINE);
        count(new Work(0, 0, 0, 0, 1, 0));
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

    private void recordReported(UnitPlan plan) {
        plan.active()
                .forEach(
                        (port, recorded) -> {
                            boolean up = index.isUp(port);
                            if (up != recorded) {
                                reported.put(port, up);
                            }
                        });
    }

    private void recordActivePorts() {
        reported.putAll(index.takeUp());
        if (!reported.isEmpty()) {
            var changed = Map.copyOf(reported);
            database.run(handle -> SnapshotStore.setActive(handle, changed));
            reported.clear();
        }
    }

    private void concludeRound() {
        long refused = troubles.values().stream().mapToLong(t -> t.refused().size()).sum();
        Optional<String> problem =
                troubles.values().stream()
                        .flatMap(trouble -> trouble.refused().entrySet().stream())
                        .findFirst()
                        .map(
                                row ->
                                        "the northbound database refuses %d rows: %s"
                                                .formatted(refused, row));
        Optional<String> waiting =
                troubles.values().stream()
                        .flatMap(trouble -> trouble.missing().stream())
                        .findFirst()
                        .map(group -> "the northbound database has no port group " + group);
        Optional<String> trouble = problem.or(() -> waiting);
        if (trouble.isPresent()) {
            tell(trouble.get());
        } else {
            status = new Status(status.rounds() + 1, "");
        }
    }

    /** Until the next check, or the next unit that is tried again. */
    private long untilNextMillis() {
        long now = System.nanoTime();
        long nanos = nextCheckNanos - now;
        for (Trouble trouble : troubles.values()) {
            nanos = Math.min(nanos, trouble.dueNanos() - now);
        }
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
    }

    /** Waits until somebody wakes us. */
    private void awaitWork(long millis) {
        waiting = true;
        try {
            if (wake.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                wake.drainPermits();
            }
            waiting = false;
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
            status = new Status(status.rounds(), problem);
        } else {
            tell(problem);
        }
    }

    private void tell(String problem) {
        if (!problem.equals(status.problem())) {
            LOG.log(System.Logger.Level.WARNING, "networks are not in OVN yet: " + problem);
        }
        status = new Status(status.rounds(), problem);
    }

    private void count(Work more) {
        Work now = work;
        work =
                new Work(
                        now.fullPasses() + more.fullPasses(),
                        now.units() + more.units(),
                        now.rowsRead() + more.rowsRead(),
                        now.rowsPlanned() + more.rowsPlanned(),
                        now.transactions() + more.transactions(),
                        now.surprises() + more.surprises());
    }
}
