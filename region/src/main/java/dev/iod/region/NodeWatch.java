package dev.iod.region;

import dev.iod.store.Database;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * The only judge of silence: finds nodes that have not been heard for {@link Nodes#DOWN_AFTER}
 * while the region was listening. One thread, which looks every five seconds.
 */
public final class NodeWatch {
    private static final System.Logger LOG = System.getLogger(NodeWatch.class.getName());
    private static final Duration LOOK = Duration.ofSeconds(5);

    /** Who looks later than this was not listening either: paused, or waiting for its database. */
    private static final Duration LATE = LOOK.multipliedBy(2);

    private final Database database;
    private final List<NodeObserver> observers;
    private final Grace grace;
    private final Clock clock;
    private Instant lastLook;
    private boolean settled;

    /**
     * Does not watch yet.
     *
     * @param grace is begun anew when nodes could not be heard
     */
    public NodeWatch(Database database, List<Service> services, Grace grace, Clock clock) {
        this.database = database;
        this.observers = services.stream().flatMap(one -> one.observers().stream()).toList();
        this.grace = grace;
        this.clock = clock;
        this.lastLook = clock.instant();
    }

    /** Starts to watch, until the result is closed. */
    public AutoCloseable start() {
        Thread thread = Thread.ofVirtual().name("node-watch").start(this::run);
        return thread::interrupt;
    }

    private void run() {
        while (true) {
            try {
                Thread.sleep(LOOK);
                look();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                grace.restart();
                LOG.log(System.Logger.Level.ERROR, "looking for silent nodes; trying again", e);
            }
        }
    }

    /** One look. Called by one thread. */
    void look() {
        Instant now = clock.instant();
        if (Duration.between(lastLook, now).compareTo(LATE) > 0) {
            grace.restart();
        }
        lastLook = now;
        if (!grace.over()) {
            settled = false;
            return;
        }
        List<String> silent =
                database.locked(handle -> Nodes.silentSince(handle, now.minus(Nodes.DOWN_AFTER)));
        silent.forEach(
                node ->
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "node is down, nothing is started elsewhere node=" + node));
        if (!settled) {
            try {
                observers.forEach(observer -> observer.nodesSettled(database));
                settled = true;
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "what waited for nodes; trying again", e);
            }
        }
    }
}
