package dev.iod.dpu;

import dev.iod.block.BlockClient;
import dev.iod.engine.EngineException;
import dev.iod.node.Snapshot;
import dev.iod.runtime.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Disks as volumes of the block engine, named by their ids: empty, or clones of an image, of
 * another volume or of a snapshot. An image is a base in the pool, named by its SHA-256 and filled
 * once; one that no disk needs any more stays while the pool can hold it beside all disks.
 *
 * <p>One thread looks at the pool ({@link PoolLook}). It can be cut off anywhere, and so can the
 * engine: what the next look finds is whole, and every step can be taken again.
 */
final class PoolDisks implements Disks, AutoCloseable {
    private static final Logger LOG = System.getLogger(PoolDisks.class.getName());
    private static final long QUIET_MILLIS = 5_000;

    private final Path socket;
    private final String name;
    private final Images images;
    private final Captures captures;
    private final Runnable changed;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private volatile Optional<Wish> wish = Optional.empty();
    private volatile Map<String, Seen<Wanted>> seenDisks = Map.of();
    private volatile Map<String, Seen<Snapshot>> seenSnapshots = Map.of();
    private volatile Optional<Leftover> leftover = Optional.empty();
    private volatile OptionalLong poolMib = OptionalLong.empty();
    private volatile boolean closed;

    /** Of the thread alone. */
    private Optional<BlockClient> client = Optional.empty();

    private String trouble = "";

    /** What a look at the pool could not delete, with the reasons. */
    private record Leftover(Wish wish, Map<String, String> reasons) {
        Leftover {
            reasons = Map.copyOf(reasons);
        }
    }

    /** What became of something that was wanted. */
    private record Seen<T>(T wanted, State state) {}

    /**
     * @param socket of the block engine
     * @param name how this agent calls itself there
     * @param changed called by the thread when a state has changed
     */
    PoolDisks(Path socket, String name, Images images, Captures captures, Runnable changed) {
        this.socket = socket;
        this.name = name;
        this.images = images;
        this.captures = captures;
        this.changed = changed;
        this.thread = Thread.ofPlatform().daemon().name("disks").unstarted(this::run);
    }

    /** Nothing is done before the first {@link #wanted}. */
    void start() {
        thread.start();
    }

    @Override
    public void wanted(Wish next) {
        wish = Optional.of(next);
        wake.release();
    }

    @Override
    public OptionalLong poolMib() {
        return poolMib;
    }

    @Override
    public Optional<Map<String, String>> unwanted() {
        Optional<Wish> now = wish.filter(Wish::complete);
        return leftover.filter(left -> now.equals(Optional.of(left.wish))).map(Leftover::reasons);
    }

    @Override
    public State state(String disk) {
        return known(seenDisks, wish.map(Wish::disks).orElse(Map.of()), disk);
    }

    @Override
    public State snapshot(String snapshot) {
        return captures.failure(snapshot)
                .<State>map(State.Failed::new)
                .orElseGet(
                        () ->
                                known(
                                        seenSnapshots,
                                        wish.map(Wish::snapshots).orElse(Map.of()),
                                        snapshot));
    }

    private static <T> State known(Map<String, Seen<T>> seen, Map<String, T> wanted, String id) {
        Optional<T> now = Optional.ofNullable(wanted.get(id));
        return Optional.ofNullable(seen.get(id))
                .filter(known -> now.equals(Optional.of(known.wanted)))
                .map(Seen::state)
                .orElseGet(State.Coming::new);
    }

    private void run() {
        Backoff backoff = Backoff.ofConnection();
        while (!closed) {
            long pauseMillis = QUIET_MILLIS;
            wake.drainPermits();
            try {
                wish.ifPresent(this::look);
                backoff.reset();
                trouble = "";
            } catch (EngineException e) {
                disconnect();
                pauseMillis = backoff.next().toMillis();
                tell(String.valueOf(e.getMessage()));
            } catch (RuntimeException e) {
                pauseMillis = backoff.next().toMillis();
                LOG.log(Level.ERROR, "a defect in the disks", e);
            }
            try {
                if (wake.tryAcquire(pauseMillis, TimeUnit.MILLISECONDS)) {
                    continue;
                }
            } catch (InterruptedException e) {
                break;
            }
        }
        disconnect();
    }

    /** Once for each trouble, not once for each try. */
    private void tell(String reason) {
        if (!closed && !reason.equals(trouble)) {
            trouble = reason;
            LOG.log(Level.WARNING, "no disks for now reason=" + reason);
        }
    }

    /**
     * @throws EngineException UNAVAILABLE, PROTOCOL: nothing can be asked of the engine
     */
    private void look(Wish latest) {
        if (client.isEmpty()) {
            client = Optional.of(BlockClient.connect(socket, name));
        }
        PoolLook pool = new PoolLook(client.orElseThrow(), images, latest);
        Optional<Leftover> left = Optional.of(new Leftover(latest, pool.deleteOthers()));
        Map<String, Seen<Snapshot>> snapshots = seen(latest.snapshots(), pool.snapshots());
        captures.wanted(ready(latest.captures(), snapshots));
        Map<String, Seen<Wanted>> disks = seen(latest.disks(), pool.disks());
        pool.keepPromises();
        OptionalLong mib = OptionalLong.of(pool.usableBytes() >> 20);
        if (!disks.equals(seenDisks)
                || !snapshots.equals(seenSnapshots)
                || !mib.equals(poolMib)
                || !left.equals(leftover)) {
            seenDisks = disks;
            seenSnapshots = snapshots;
            poolMib = mib;
            leftover = left;
            changed.run();
        }
    }

    private static List<String> ready(
            List<String> captures, Map<String, Seen<Snapshot>> snapshots) {
        return captures.stream()
                .filter(
                        id ->
                                Optional.ofNullable(snapshots.get(id))
                                        .filter(seen -> seen.state instanceof State.Ready)
                                        .isPresent())
                .toList();
    }

    private static <T> Map<String, Seen<T>> seen(Map<String, T> wanted, Map<String, State> states) {
        return wanted.entrySet().stream()
                .collect(
                        Collectors.toUnmodifiableMap(
                                Map.Entry::getKey,
                                e ->
                                        new Seen<>(
                                                e.getValue(),
                                                Objects.requireNonNull(states.get(e.getKey())))));
    }

    private void disconnect() {
        client.ifPresent(BlockClient::close);
        client = Optional.empty();
    }

    /** Volumes and what is attached stay as they are. */
    @Override
    public void close() {
        closed = true;
        Threads.stop(thread);
    }
}
