package dev.iod.ovn;

import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Brings the engine to a wanted state, one acknowledged change at a time. Belongs to the chassis'
 * thread, but for {@link #reset}; completions come back through {@code wake}.
 */
final class EngineSync {
    private static final long RETRY_NANOS = 500_000_000;
    private static final long DEADLINE_SECONDS = 30;

    private final Engine engine;
    private final Runnable wake;
    private Map<EntityKey, Entity> applied = new HashMap<>();
    private Optional<StateBuilder.State> live = Optional.empty();
    private Optional<StateBuilder.State> sent = Optional.empty();
    private long retryAtNanos = System.nanoTime();

    private final AtomicBoolean whole = new AtomicBoolean(true);
    private volatile Optional<Outcome> outcome = Optional.empty();
    private volatile String problem = "the engine was not asked yet";

    private record Outcome(Optional<String> failure) {}

    EngineSync(Engine engine, Runnable wake) {
        this.engine = engine;
        this.wake = wake;
    }

    /** The engine may have lost everything: the next change carries the whole state. */
    void reset() {
        whole.set(true);
    }

    /** The last state the engine acknowledged. */
    Optional<StateBuilder.State> live() {
        return live;
    }

    /** Why the engine does not have the wanted state, empty when it has. */
    String problem() {
        return problem;
    }

    /** Takes the answer to the last change, if it came. */
    void collect() {
        Optional<Outcome> came = outcome;
        if (came.isEmpty()) {
            return;
        }
        outcome = Optional.empty();
        if (came.get().failure().isPresent()) {
            // The outcome may be unknown (the connection was lost), so all is sent again.
            whole.set(true);
            problem = came.get().failure().get();
            retryAtNanos = System.nanoTime() + RETRY_NANOS;
        } else {
            problem = "";
            live = sent;
            sent.ifPresent(state -> applied = state.entities());
        }
        sent = Optional.empty();
    }

    /** Nanoseconds until a failed change is to be tried again; 0 = now. */
    long waitNanos() {
        return Math.max(0, retryAtNanos - System.nanoTime());
    }

    boolean busy() {
        return sent.isPresent();
    }

    /** Sends what differs; nothing while an answer is awaited. */
    void send(StateBuilder.State wanted) {
        if (busy() || waitNanos() > 0) {
            return;
        }
        // Taken before sending: a reset that comes from now on is for the next change.
        boolean replace = whole.getAndSet(false);
        var put = new ArrayList<Entity>();
        var remove = new ArrayList<EntityKey>();
        if (replace) {
            put.addAll(wanted.entities().values());
        } else {
            difference(wanted.entities(), put, remove);
        }
        if (!replace && put.isEmpty() && remove.isEmpty()) {
            applied = wanted.entities();
            live = Optional.of(wanted);
            return;
        }
        sent = Optional.of(wanted);
        engine.commit(new Engine.Change(replace, List.copyOf(put), List.copyOf(remove)))
                .toCompletableFuture()
                .orTimeout(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .whenComplete(
                        (done, error) -> {
                            outcome =
                                    Optional.of(
                                            new Outcome(
                                                    Optional.ofNullable(error)
                                                            .map(EngineSync::reason)));
                            wake.run();
                        });
    }

    private void difference(
            Map<EntityKey, Entity> wanted, List<Entity> put, List<EntityKey> remove) {
        if (wanted == applied) {
            return;
        }
        wanted.forEach(
                (key, entity) -> {
                    Entity known = applied.get(key);
                    if (known == null || !StateBuilder.same(known, entity)) {
                        put.add(entity);
                    }
                });
        for (EntityKey key : applied.keySet()) {
            if (!wanted.containsKey(key)) {
                remove.add(key);
            }
        }
    }

    private static String reason(Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return cause instanceof TimeoutException
                ? "the engine did not answer within " + DEADLINE_SECONDS + " s"
                : "the engine refused a change: " + cause.getMessage();
    }
}
