package dev.iod.dpu;

import dev.iod.block.BlockClient;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import dev.iod.block.Location;
import dev.iod.block.VolumeStatus;
import dev.iod.engine.EngineException;
import dev.iod.node.Disk;
import dev.iod.node.ImagePart;
import dev.iod.runtime.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Disks as volumes of the block engine, named by their ids: clones of an image, or empty. An image
 * is a base in the pool, named by its SHA-256 and filled once; one that no disk needs any more
 * stays until the pool is full.
 *
 * <p>One thread looks at what the pool has, takes for each disk the steps that are due, and deletes
 * every other volume. It can be cut off anywhere, and so can the engine: what the next look finds
 * is whole, and every step can be taken again.
 */
final class PoolDisks implements Disks, AutoCloseable {
    private static final Logger LOG = System.getLogger(PoolDisks.class.getName());
    private static final long QUIET_MILLIS = 5_000;

    private final Path socket;
    private final String name;
    private final Images images;
    private final Runnable changed;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private volatile Optional<Wish> wish = Optional.empty();
    private volatile Map<String, Seen> seen = Map.of();
    private volatile Optional<Leftover> leftover = Optional.empty();
    private volatile OptionalLong poolMib = OptionalLong.empty();
    private volatile boolean closed;

    /** Of the thread alone. */
    private Optional<BlockClient> client = Optional.empty();

    private String trouble = "";

    private record Wish(Map<String, Wanted> disks, Set<String> held) {}

    /** What a look at the pool could not delete, with the reasons. */
    private record Leftover(Wish wish, Map<String, String> reasons) {}

    /** What became of a disk that was wanted. */
    private record Seen(Wanted wanted, State state) {}

    /**
     * @param socket of the block engine
     * @param name how this agent calls itself there
     * @param changed called by the thread when a state has changed
     */
    PoolDisks(Path socket, String name, Images images, Runnable changed) {
        this.socket = socket;
        this.name = name;
        this.images = images;
        this.changed = changed;
        this.thread = Thread.ofPlatform().daemon().name("disks").unstarted(this::run);
    }

    /** Nothing is done before the first {@link #wanted}. */
    void start() {
        thread.start();
    }

    @Override
    public void wanted(Map<String, Wanted> disks, Set<String> held) {
        wish = Optional.of(new Wish(Map.copyOf(disks), Set.copyOf(held)));
        wake.release();
    }

    @Override
    public OptionalLong poolMib() {
        return poolMib;
    }

    @Override
    public Optional<Map<String, String>> unwanted() {
        Optional<Wish> now = wish;
        return leftover.filter(left -> now.equals(Optional.of(left.wish))).map(Leftover::reasons);
    }

    @Override
    public State state(String disk) {
        Optional<Wanted> now = wish.map(latest -> latest.disks.get(disk));
        return Optional.ofNullable(seen.get(disk))
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
        Map<String, Wanted> disks = latest.disks;
        if (client.isEmpty()) {
            client = Optional.of(BlockClient.connect(socket, name));
        }
        BlockClient engine = client.orElseThrow();
        Map<String, VolumeStatus> here =
                engine.list().stream().collect(Collectors.toMap(VolumeStatus::name, v -> v));
        Map<String, String> left = new HashMap<>();
        for (VolumeStatus volume : here.values()) {
            if (volume.kind() == VolumeStatus.Kind.VOLUME && !disks.containsKey(volume.name())) {
                Optional<String> why =
                        latest.held.contains(volume.name())
                                ? Optional.of("a machine has not given it back")
                                : delete(engine, volume);
                why.ifPresent(reason -> left.put(volume.name(), reason));
            }
        }
        Map<String, Seen> next = new HashMap<>();
        disks.forEach(
                (id, disk) -> {
                    State state = state(id, () -> step(engine, here, disks, id, disk));
                    next.put(id, new Seen(disk, state));
                });
        OptionalLong total = OptionalLong.of(engine.space().totalBytes() >> 20);
        Optional<Leftover> looked = Optional.of(new Leftover(latest, Map.copyOf(left)));
        if (!next.equals(seen) || !total.equals(poolMib) || !looked.equals(leftover)) {
            seen = Map.copyOf(next);
            poolMib = total;
            leftover = looked;
            changed.run();
        }
    }

    private interface Step {
        State take();
    }

    private static State state(String disk, Step step) {
        try {
            return step.take();
        } catch (EngineException e) {
            if (lost(e)) {
                throw e;
            }
            return new State.Failed("its disk " + disk + ": " + e.getMessage());
        }
    }

    private static boolean lost(EngineException e) {
        return e.category() == EngineException.Category.UNAVAILABLE
                || e.category() == EngineException.Category.PROTOCOL;
    }

    private State step(
            BlockClient engine,
            Map<String, VolumeStatus> here,
            Map<String, Wanted> disks,
            String volume,
            Wanted disk) {
        Optional<VolumeStatus> known = Optional.ofNullable(here.get(volume));
        if (known.isEmpty()) {
            if (disk.disk().getMade()) {
                return new State.Failed("the node's pool no longer has disk " + volume);
            }
            State made =
                    withRoom(engine, here, disks, () -> make(engine, here, volume, disk.disk()));
            if (!(made instanceof State.Ready)) {
                return made;
            }
        }
        VolumeStatus now = known.orElseGet(() -> engine.status(volume));
        if (now.sizeBytes() < disk.disk().getSizeBytes()) {
            Command larger = new Command.Resize(volume, disk.disk().getSizeBytes());
            withRoom(
                    engine,
                    here,
                    disks,
                    () -> {
                        engine.run(larger);
                        return new State.Ready();
                    });
            LOG.log(Level.INFO, "grew volume={0} to {1}", volume, disk.disk().getSizeBytes());
        }
        if (attach(engine, now, disk)) {
            now = engine.status(volume);
        }
        String failure = now.device().map(VolumeStatus.Device::failed).orElse("");
        return failure.isEmpty()
                ? new State.Ready()
                : new State.Failed("its disk " + volume + " has failed: " + failure);
    }

    /** Does it, and once more without the images that nothing needs when there is no room. */
    private State withRoom(
            BlockClient engine,
            Map<String, VolumeStatus> here,
            Map<String, Wanted> disks,
            Supplier<State> work) {
        try {
            return work.get();
        } catch (EngineException e) {
            boolean full =
                    e.category() == EngineException.Category.FULL
                            || e.category() == EngineException.Category.LIMIT;
            if (!full || !forgetImages(engine, here, disks)) {
                throw e;
            }
            return work.get();
        }
    }

    private State make(
            BlockClient engine, Map<String, VolumeStatus> here, String volume, Disk disk) {
        if (!disk.hasImage()) {
            engine.run(new Command.Create(volume, disk.getSizeBytes(), false));
            LOG.log(Level.INFO, "made volume={0} bytes={1}", volume, disk.getSizeBytes());
            return new State.Ready();
        }
        ImagePart image = disk.getImage();
        if (!here.containsKey(image.getSha256())) {
            switch (images.ask(disk.getId(), image)) {
                case Images.Answer.Coming _ -> {
                    return new State.Coming();
                }
                case Images.Answer.Missing(String reason) -> {
                    return new State.Failed(reason);
                }
                case Images.Answer.Here(Path file) ->
                        engine.run(new Command.Fill(image.getSha256(), file));
            }
        }
        engine.run(new Command.Clone(image.getSha256(), volume, disk.getSizeBytes()));
        LOG.log(Level.INFO, "made volume={0} of image={1}", volume, image.getImageId());
        return new State.Ready();
    }

    /**
     * @return whether there was one that no disk needs
     */
    private static boolean forgetImages(
            BlockClient engine, Map<String, VolumeStatus> here, Map<String, Wanted> disks) {
        boolean any = false;
        for (VolumeStatus image : here.values()) {
            boolean needed =
                    disks.values().stream()
                            .anyMatch(d -> d.disk().getImage().getSha256().equals(image.name()));
            if (image.kind() == VolumeStatus.Kind.IMAGE && !needed) {
                delete(engine, image);
                any = true;
            }
        }
        return any;
    }

    /**
     * @return whether anything had to be done
     */
    private static boolean attach(BlockClient engine, VolumeStatus volume, Wanted disk) {
        Optional<String> now = volume.device().map(VolumeStatus.Device::socket);
        Optional<String> then =
                disk.attached() ? Optional.of(disk.socket().toString()) : Optional.empty();
        if (now.equals(then)) {
            return false;
        }
        if (now.isPresent()) {
            engine.run(new Command.Detach(volume.name()));
        }
        if (then.isPresent()) {
            engine.run(
                    new Command.Attach(
                            volume.name(),
                            new Location.Pool(),
                            disk.socket(),
                            false,
                            1,
                            false,
                            Limits.NONE,
                            new byte[0]));
        }
        return true;
    }

    /**
     * What cannot be deleted now is found again by the next look.
     *
     * @return why it was not deleted
     */
    private static Optional<String> delete(BlockClient engine, VolumeStatus volume) {
        try {
            if (volume.device().isPresent()) {
                engine.run(new Command.Detach(volume.name()));
            }
            engine.run(new Command.Delete(volume.name()));
            LOG.log(Level.INFO, "deleted volume={0}", volume.name());
            return Optional.empty();
        } catch (EngineException e) {
            if (lost(e)) {
                throw e;
            }
            LOG.log(Level.WARNING, "not deleted volume={0}: {1}", volume.name(), e.getMessage());
            return Optional.of(String.valueOf(e.getMessage()));
        }
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
