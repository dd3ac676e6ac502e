package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The units whose intent has changed since it was read. The thread of the notifications adds to it,
 * the reconciler's takes; thread-safe.
 */
final class DirtyUnits {
    /** Units beyond which it is cheaper to compare everything. */
    static final int LIMIT = 10_000;

    private static final String FENCE = "fence ";
    private static final Duration FENCE_LIMIT = Duration.ofSeconds(10);

    private final Runnable wake;
    private final Set<IntentUnit> units = new TreeSet<>();
    private boolean everything = true;
    private Optional<Fence> fence = Optional.empty();

    private record Fence(String payload, CountDownLatch passed) {}

    /**
     * @param wake called after each notification
     */
    DirtyUnits(Runnable wake) {
        this.wake = wake;
    }

    /** A notification; one that says no unit may be about any. */
    void told(String payload) {
        if (payload.startsWith(FENCE)) {
            pass(payload);
            return;
        }
        Optional<IntentUnit> unit = IntentUnit.parse(payload);
        if (unit.isPresent()) {
            restore(Set.of(unit.get()));
            wake.run();
        } else {
            everything();
        }
    }

    /** All may differ. */
    void everything() {
        restoreEverything();
        wake.run();
    }

    /** Gives back units that were taken and not brought to OVN. */
    synchronized void restore(Collection<IntentUnit> more) {
        units.addAll(more);
        if (units.size() > LIMIT) {
            everything = true;
            units.clear();
        }
    }

    /** Not everything was compared after all. */
    synchronized void restoreEverything() {
        everything = true;
    }

    /** Whether all may differ; the caller is about to compare everything. */
    synchronized boolean takeEverything() {
        boolean taken = everything;
        everything = false;
        if (taken) {
            units.clear();
        }
        return taken;
    }

    /** The units, which the caller is about to read. */
    synchronized Set<IntentUnit> take() {
        var taken = new TreeSet<>(units);
        units.clear();
        return taken;
    }

    synchronized boolean isEmpty() {
        return !everything && units.isEmpty();
    }

    synchronized boolean contains(IntentUnit unit) {
        return everything || units.contains(unit);
    }

    /**
     * Sends a notification of our own and waits until it comes: PostgreSQL delivers them in the
     * order of the commits, so every one that was sent before is here then.
     *
     * @return false when it does not come in time
     */
    boolean awaitFence(Consumer<String> send) {
        var sent = new Fence(FENCE + UUID.randomUUID(), new CountDownLatch(1));
        synchronized (this) {
            fence = Optional.of(sent);
        }
        send.accept(sent.payload());
        try {
            return sent.passed().await(FENCE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private synchronized void pass(String payload) {
        // Another control plane sends its own.
        fence.filter(sent -> sent.payload().equals(payload)).ifPresent(f -> f.passed().countDown());
    }
}
