package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.node.Traits;
import dev.iod.region.AllocationRole;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeSessions;
import dev.iod.region.Nodes;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.region.ResourceClass;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Gives volumes their places: room in the pool of one node, taken by an allocation of {@link
 * ResourceClass#DISK_MB} as servers take it for their root disks. The node with the most free room
 * wins, of those that keep volumes ({@link Traits#VOLUMES}). All of it runs in transactions that
 * are {@link Database#locked}.
 */
final class VolumePlacement {
    private static final int CHOICES_WITHOUT_LOCKS = 8;
    private static final String SAVEPOINT = "place";
    private static final long MIB_PER_GIB = 1024;

    /** The request of what is done without one. */
    private static final String NO_REQUEST = "";

    private static final Comparator<Provider> BEST =
            Comparator.comparingLong((Provider one) -> one.free(ResourceClass.DISK_MB))
                    .reversed()
                    .thenComparing(Provider::name);

    private final Images images;
    private final NodeSessions nodes;

    VolumePlacement(Images images, NodeSessions nodes) {
        this.images = images;
        this.nodes = nodes;
    }

    /**
     * Gives a new volume its place. One that finds none has failed; but while nodes are still
     * coming back after a start of the region it waits for those that are down.
     *
     * @param requestId for the message that says so
     * @param allowed the nodes it may be on; empty: any. With them it does not wait
     */
    void place(Handle handle, Volume volume, String requestId, Optional<Set<String>> allowed) {
        Optional<String> node = claim(handle, volume, allowed);
        if (node.isPresent()) {
            volume.change(
                    handle,
                    new Columns()
                            .set("node", node.get())
                            .set("goal_revision", NodeGoals.touch(handle, node.get())));
            return;
        }
        boolean someDown = Providers.all(handle).stream().anyMatch(one -> !one.up());
        if (allowed.isEmpty() && someDown && !nodes.settled()) {
            return;
        }
        Message.write(handle, volume, Message.Event.SCHEDULE, "", requestId);
        volume.change(
                handle,
                VolumeMaking.ended(handle, images, volume).set("status", Status.ERROR.text()));
    }

    /** Places those that wait. */
    void placeWaiting(Database database) {
        for (UUID id : database.<List<UUID>>read(Volume::waiting)) {
            database.runLocked(
                    handle ->
                            Volume.lock(handle, id)
                                    .filter(v -> v.node().isEmpty())
                                    .filter(v -> v.state() == Status.CREATING)
                                    .ifPresent(
                                            v -> place(handle, v, NO_REQUEST, Optional.empty())));
        }
    }

    /**
     * Makes a volume's allocation larger, with the provider locked.
     *
     * @return false when its node does not have the room; nothing is changed then
     */
    static boolean grow(Handle handle, Volume volume, long gib) {
        handle.savepoint(SAVEPOINT);
        free(handle, volume);
        if (claim(handle, volume.id(), volume.node().orElseThrow(), gib)) {
            handle.releaseSavepoint(SAVEPOINT);
            return true;
        }
        handle.rollbackToSavepoint(SAVEPOINT);
        return false;
    }

    /** Makes a volume's allocation smaller, even of a node that has less than is taken of it. */
    static void shrink(Handle handle, Volume volume, long gib) {
        Providers.lower(handle, volume.id(), AllocationRole.ACTIVE, amounts(gib));
    }

    private static boolean claim(Handle handle, UUID consumer, String node, long gib) {
        for (Provider locked : Providers.lock(handle, List.of(node))) {
            if (locked.shortOf(amounts(gib)).isEmpty()) {
                Providers.allocate(handle, consumer, AllocationRole.ACTIVE, locked, amounts(gib));
                return true;
            }
        }
        return false;
    }

    /**
     * Takes room for a copy, on the node of what it is a copy of: it is up and keeps volumes, or
     * the copy would be of a later moment, or of none.
     *
     * @return the node, locked; empty when it cannot make the copy
     */
    static Optional<String> claimCopy(
            Handle handle, UUID consumer, Optional<String> node, long gib) {
        Map<ResourceClass, Long> amounts = amounts(gib);
        List<Provider> locked = Providers.lock(handle, node.stream().toList());
        return take(handle, consumer, best(handle, locked, amounts), amounts);
    }

    /** Gives back what a volume has. */
    static void free(Handle handle, Volume volume) {
        Providers.release(handle, volume.id(), Set.of(AllocationRole.ACTIVE));
    }

    /** What a volume takes of a pool. */
    static long mib(long gib) {
        return gib * MIB_PER_GIB;
    }

    /**
     * Takes room from a locked provider that has it.
     *
     * @return the provider with that taken
     */
    static Provider take(Handle handle, Volume volume, Provider locked) {
        Map<ResourceClass, Long> amounts = amounts(volume.targetGib());
        Providers.allocate(handle, volume.id(), AllocationRole.ACTIVE, locked, amounts);
        return locked.with(amounts);
    }

    private static Map<ResourceClass, Long> amounts(long gib) {
        return Map.of(ResourceClass.DISK_MB, mib(gib));
    }

    /** Chosen from what is committed, then locked and looked at again; at last all are locked. */
    private static Optional<String> claim(
            Handle handle, Volume volume, Optional<Set<String>> allowed) {
        Map<ResourceClass, Long> amounts = amounts(volume.targetGib());
        if (volume.isCopy()) {
            // It shares blocks with what it is a copy of.
            Optional<String> source =
                    volume.nodeOfSource(handle)
                            .filter(node -> allowed.filter(a -> !a.contains(node)).isEmpty());
            return claimCopy(handle, volume.id(), source, volume.targetGib());
        }
        for (int i = 0; i < CHOICES_WITHOUT_LOCKS; i++) {
            Optional<Provider> best = best(handle, all(handle, allowed), amounts);
            if (best.isEmpty()) {
                return Optional.empty();
            }
            handle.savepoint(SAVEPOINT);
            Optional<Provider> locked =
                    best(handle, Providers.lock(handle, List.of(best.get().name())), amounts);
            if (locked.isPresent()) {
                handle.releaseSavepoint(SAVEPOINT);
                return take(handle, volume.id(), locked, amounts);
            }
            // Gives the lock back: that of the next choice may come before it.
            handle.rollbackToSavepoint(SAVEPOINT);
        }
        List<String> all = all(handle, allowed).stream().map(Provider::name).toList();
        return take(
                handle, volume.id(), best(handle, Providers.lock(handle, all), amounts), amounts);
    }

    private static List<Provider> all(Handle handle, Optional<Set<String>> allowed) {
        return Providers.all(handle).stream()
                .filter(one -> allowed.filter(a -> !a.contains(one.name())).isEmpty())
                .toList();
    }

    private static Optional<String> take(
            Handle handle,
            UUID volume,
            Optional<Provider> locked,
            Map<ResourceClass, Long> amounts) {
        locked.ifPresent(
                one -> Providers.allocate(handle, volume, AllocationRole.ACTIVE, one, amounts));
        return locked.map(Provider::name);
    }

    /** A node of an older release would delete the volumes that it does not know. */
    private static Optional<Provider> best(
            Handle handle, List<Provider> providers, Map<ResourceClass, Long> amounts) {
        Set<String> able = Nodes.having(handle, Traits.VOLUMES);
        return providers.stream()
                .filter(Provider::up)
                .filter(one -> able.contains(one.name()))
                .filter(one -> one.shortOf(amounts).isEmpty())
                .min(BEST);
    }
}
