package dev.iod.ovn;

import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Brings the engine to a wanted state, one acknowledged change at a time. Belongs to the chassis'
 * thread, but for {@link #reset}; completions come back through {@code wake}.
 */
final class EngineSync {
    private static final long RETRY_NANOS = 500_000_000;

    /** For an answer: the least, and rows that are given a second more. */
    private static final long DEADLINE_SECONDS = 30;

    private static final int ROWS_A_SECOND = 1_000;

    private final Engine engine;
    private final Runnable wake;

    /** Ports with a device here that the engine acknowledged, by key and by name. */
    private final Map<Long, String> livePorts = new HashMap<>();

    private final Map<String, Long> liveNames = new HashMap<>();
    private OptionalLong configuration = OptionalLong.empty();
    private Optional<Sent> sent = Optional.empty();
    private long retryAtNanos = System.nanoTime();

    private final AtomicBoolean whole = new AtomicBoolean(true);
    private volatile Optional<Outcome> outcome = Optional.empty();
    private volatile String problem = "the engine was not asked yet";

    private record Outcome(Optional<String> failure) {}

    /** A change on its way, and the network configuration it leads to. */
    private record Sent(Engine.Change change, long configuration) {}

    EngineSync(Engine engine, Runnable wake) {
        this.engine = engine;
        this.wake = wake;
    }

    /** The engine may have lost everything: the next change carries the whole state. */
    void reset() {
        whole.set(true);
    }

    /** nb_cfg of the last state the engine acknowledged. */
    OptionalLong configuration() {
        return configuration;
    }

    /** Whether the flows of a plugged port are live. */
    boolean isLive(String port) {
        return liveNames.containsKey(port);
    }

    /** Why the engine does not have the wanted state, empty when it has. */
    String problem() {
        return problem;
    }

    /**
     * Takes the answer to the last change, if it came.
     *
     * @param ports told the names of those that became live, or are no longer so
     */
    void collect(Consumer<String> ports) {
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
            sent.ifPresent(
                    done -> {
                        configuration = OptionalLong.of(done.configuration());
                        acknowledged(done.change(), ports);
                    });
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

    private void acknowledged(Engine.Change change, Consumer<String> ports) {
        if (change.replace()) {
            List.copyOf(livePorts.keySet()).forEach(key -> dead(key, ports));
        }
        for (EntityKey key : change.remove()) {
            if (key.kind() == EntityKey.Kind.LOGICAL_PORT) {
                dead(key.number(), ports);
            }
        }
        for (Entity entity : change.put()) {
            if (entity instanceof Entity.LogicalPort port) {
                dead(port.key(), ports);
                if (port.target() instanceof Entity.Target.Local) {
                    livePorts.put(port.key(), port.name());
                    liveNames.put(port.name(), port.key());
                    ports.accept(port.name());
                }
            }
        }
    }

    private void dead(long key, Consumer<String> ports) {
        String name = livePorts.remove(key);
        if (name != null) {
            liveNames.remove(name, key);
            ports.accept(name);
        }
    }

    /**
     * Sends what differs; nothing while an answer is awaited.
     *
     * @param number nb_cfg that the wanted state belongs to
     */
    void send(Wanted wanted, long number) {
        if (busy() || waitNanos() > 0) {
            return;
        }
        // Taken before sending: a reset that comes from now on is for the next change.
        boolean replace = whole.getAndSet(false);
        Engine.Change change = replace ? wanted.takeAll() : wanted.takeDifference();
        if (!replace && change.put().isEmpty() && change.remove().isEmpty()) {
            configuration = OptionalLong.of(number);
            return;
        }
        sent = Optional.of(new Sent(change, number));
        // One that is at work would only be given the same again. A connection that is lost fails
        // the change at once.
        long seconds =
                DEADLINE_SECONDS + (change.put().size() + change.remove().size()) / ROWS_A_SECOND;
        engine.commit(change)
                .toCompletableFuture()
                .orTimeout(seconds, TimeUnit.SECONDS)
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

    private static String reason(Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return cause instanceof TimeoutException
                ? "the engine did not answer in time"
                : "the engine refused a change: " + cause.getMessage();
    }
}
