package dev.iod.dpu;

import dev.iod.block.BlockClient;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import dev.iod.block.Location;
import dev.iod.block.VolumeStatus;
import dev.iod.dpu.Disks.State;
import dev.iod.dpu.Disks.Wanted;
import dev.iod.dpu.Disks.Wish;
import dev.iod.engine.EngineException;
import dev.iod.node.Disk;
import dev.iod.node.ImagePart;
import dev.iod.node.Snapshot;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One look at the pool: deletes what is not wanted, takes snapshots, then for each disk the steps
 * that are due. Copies are made before what they are copies of may grow, so that none is larger
 * than it was asked to be.
 */
final class PoolLook {
    private static final Logger LOG = System.getLogger(PoolLook.class.getName());

    private final BlockClient engine;
    private final Images images;
    private final Wish wish;

    /** What the pool has; what is made in this look is added. */
    private final Map<String, VolumeStatus> here;

    /**
     * @throws EngineException UNAVAILABLE, PROTOCOL: nothing can be asked of the engine
     */
    PoolLook(BlockClient engine, Images images, Wish wish) {
        this.engine = engine;
        this.images = images;
        this.wish = wish;
        this.here =
                new HashMap<>(
                        engine.list().stream()
                                .collect(Collectors.toMap(VolumeStatus::name, v -> v)));
    }

    /**
     * Deletes what is not wanted, if the wish is complete.
     *
     * @return what is still there, with the reasons
     */
    Map<String, String> deleteOthers() {
        Map<String, String> left = new HashMap<>();
        if (!wish.complete()) {
            return left;
        }
        for (VolumeStatus volume : List.copyOf(here.values())) {
            String name = volume.name();
            boolean wanted =
                    switch (volume.kind()) {
                        case VOLUME -> wish.disks().containsKey(name);
                        case SNAPSHOT -> wish.snapshots().containsKey(name);
                        case IMAGE, ELSEWHERE -> true;
                    };
            if (!wanted) {
                Optional<String> why =
                        wish.held().contains(name)
                                ? Optional.of("a machine has not given it back")
                                : delete(volume);
                why.ifPresent(reason -> left.put(name, reason));
            }
        }
        return left;
    }

    Map<String, State> snapshots() {
        Map<String, State> states = new HashMap<>();
        wish.snapshots()
                .forEach(
                        (id, snapshot) ->
                                states.put(id, state("snapshot", id, () -> of(snapshot))));
        return states;
    }

    Map<String, State> disks() {
        Map<String, State> states = new HashMap<>();
        wish.disks().entrySet().stream()
                .sorted(Comparator.comparing(e -> e.getValue().disk().getSourceId().isEmpty()))
                .forEach(
                        e ->
                                states.put(
                                        e.getKey(),
                                        state("disk", e.getKey(), () -> of(e.getValue()))));
        return states;
    }

    /** Bytes of the pool that disks can have: all but those of images that disks need. */
    long usableBytes() {
        long ofImages =
                here.values().stream()
                        .filter(v -> v.kind() == VolumeStatus.Kind.IMAGE && needed(v))
                        .mapToLong(VolumeStatus::allocatedBytes)
                        .sum();
        return Math.max(0, engine.space().totalBytes() - ofImages);
    }

    /**
     * Forgets the images that nothing needs when the pool could not hold them beside all else at
     * its full size: a guest that writes to its thin disk asks nobody for room.
     */
    void keepPromises() {
        long promised =
                here.values().stream()
                        .mapToLong(
                                v ->
                                        switch (v.kind()) {
                                            case VOLUME, SNAPSHOT ->
                                                    Math.max(v.sizeBytes(), v.allocatedBytes());
                                            case IMAGE -> v.allocatedBytes();
                                            case ELSEWHERE -> 0;
                                        })
                        .sum();
        if (promised > engine.space().totalBytes()) {
            forgetImages();
        }
    }

    private interface Step {
        State take();
    }

    private static State state(String kind, String id, Step step) {
        try {
            return step.take();
        } catch (EngineException e) {
            if (lost(e)) {
                throw e;
            }
            return new State.Failed("its " + kind + " " + id + ": " + e.getMessage());
        }
    }

    private static boolean lost(EngineException e) {
        return e.category() == EngineException.Category.UNAVAILABLE
                || e.category() == EngineException.Category.PROTOCOL;
    }

    private State of(Snapshot wanted) {
        String id = wanted.getId();
        if (here.containsKey(id)) {
            return new State.Ready();
        }
        if (wanted.getMade()) {
            return new State.Failed("the node's pool no longer has snapshot " + id);
        }
        return withRoom(
                () -> {
                    engine.run(new Command.Snapshot(wanted.getVolumeId(), id));
                    LOG.log(Level.INFO, "made snapshot={0} of {1}", id, wanted.getVolumeId());
                    return made(id);
                });
    }

    private State of(Wanted wanted) {
        Disk disk = wanted.disk();
        String id = disk.getId();
        if (!here.containsKey(id)) {
            if (disk.getMade()) {
                return new State.Failed("the node's pool no longer has disk " + id);
            }
            State made = withRoom(() -> make(disk));
            if (!(made instanceof State.Ready)) {
                return made;
            }
        }
        VolumeStatus now = Objects.requireNonNull(here.get(id));
        if (now.sizeBytes() < disk.getSizeBytes()) {
            if (copiesAreDue(id)) {
                return new State.Coming();
            }
            withRoom(
                    () -> {
                        engine.run(new Command.Resize(id, disk.getSizeBytes()));
                        return new State.Ready();
                    });
            LOG.log(Level.INFO, "grew volume={0} to {1}", id, disk.getSizeBytes());
        }
        if (attach(now, wanted)) {
            now = engine.status(id);
        }
        String failure = now.device().map(VolumeStatus.Device::failed).orElse("");
        return failure.isEmpty()
                ? new State.Ready()
                : new State.Failed("its disk " + id + " has failed: " + failure);
    }

    /** Whether snapshots or clones of it are to be made, of the size that it has. */
    private boolean copiesAreDue(String volume) {
        return wish.snapshots().values().stream()
                        .anyMatch(
                                s ->
                                        s.getVolumeId().equals(volume)
                                                && !s.getMade()
                                                && !here.containsKey(s.getId()))
                || wish.disks().values().stream()
                        .map(Wanted::disk)
                        .anyMatch(
                                d ->
                                        d.getSourceId().equals(volume)
                                                && !d.getMade()
                                                && !here.containsKey(d.getId()));
    }

    /** Does it, and once more without the images that nothing needs when there is no room. */
    private State withRoom(Step work) {
        try {
            return work.take();
        } catch (EngineException e) {
            boolean full =
                    e.category() == EngineException.Category.FULL
                            || e.category() == EngineException.Category.LIMIT;
            if (!full || !forgetImages()) {
                throw e;
            }
            return work.take();
        }
    }

    private State make(Disk disk) {
        String id = disk.getId();
        if (!disk.getSourceId().isEmpty()) {
            engine.run(new Command.Clone(disk.getSourceId(), id, disk.getSizeBytes()));
            LOG.log(Level.INFO, "made volume={0} of {1}", id, disk.getSourceId());
            return made(id);
        }
        if (!disk.hasImage()) {
            engine.run(new Command.Create(id, disk.getSizeBytes(), false));
            LOG.log(Level.INFO, "made volume={0} bytes={1}", id, disk.getSizeBytes());
            return made(id);
        }
        ImagePart image = disk.getImage();
        if (!here.containsKey(image.getSha256())) {
            switch (images.ask(id, image)) {
                case Images.Answer.Coming _ -> {
                    return new State.Coming();
                }
                case Images.Answer.Missing(String reason) -> {
                    return new State.Failed(reason);
                }
                case Images.Answer.Here(Path file) -> {
                    engine.run(new Command.Fill(image.getSha256(), file));
                    made(image.getSha256());
                }
            }
        }
        engine.run(new Command.Clone(image.getSha256(), id, disk.getSizeBytes()));
        LOG.log(Level.INFO, "made volume={0} of image={1}", id, image.getImageId());
        return made(id);
    }

    private State made(String name) {
        here.put(name, engine.status(name));
        return new State.Ready();
    }

    /**
     * @return whether there was one that no disk needs
     */
    private boolean forgetImages() {
        boolean any = false;
        for (VolumeStatus image : List.copyOf(here.values())) {
            if (image.kind() == VolumeStatus.Kind.IMAGE && !needed(image)) {
                delete(image);
                any = true;
            }
        }
        return any;
    }

    private boolean needed(VolumeStatus image) {
        return wish.disks().values().stream()
                .anyMatch(d -> d.disk().getImage().getSha256().equals(image.name()));
    }

    /**
     * @return whether anything had to be done
     */
    private boolean attach(VolumeStatus volume, Wanted disk) {
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
    private Optional<String> delete(VolumeStatus volume) {
        try {
            if (volume.device().isPresent()) {
                engine.run(new Command.Detach(volume.name()));
            }
            engine.run(new Command.Delete(volume.name()));
            here.remove(volume.name());
            LOG.log(Level.INFO, "deleted {0}={1}", volume.kind(), volume.name());
            return Optional.empty();
        } catch (EngineException e) {
            if (lost(e)) {
                throw e;
            }
            LOG.log(Level.WARNING, "not deleted volume={0}: {1}", volume.name(), e.getMessage());
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
