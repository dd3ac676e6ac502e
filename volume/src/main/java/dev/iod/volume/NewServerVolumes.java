package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.node.Traits;
import dev.iod.region.Actor;
import dev.iod.region.Nodes;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Formats;
import dev.iod.store.Columns;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * The volumes that a new server is made with: some are there, others are made with it. These have
 * no place until their server has one, and are then made on its node: in one transaction server and
 * volumes are asked for, and in one they are placed. Everything runs in the caller's transaction.
 * Errors are {@link ApiException}s with the status and text Nova uses.
 */
public final class NewServerVolumes {
    private NewServerVolumes() {}

    /** A volume that a new server shall have. */
    public sealed interface Wanted {
        /** Whether it goes with the server. */
        boolean deleteOnTermination();
    }

    /** One that is there, and available. */
    public record Existing(String volumeId, boolean deleteOnTermination) implements Wanted {}

    /**
     * One that is made with the server.
     *
     * @param gib its size; empty for that of a snapshot
     * @param type id or name; empty for that of its source, or the standard one
     */
    public record Made(
            VolumeSource source,
            OptionalLong gib,
            Optional<String> type,
            boolean deleteOnTermination)
            implements Wanted {
        private NewVolume volume(String name) {
            return new NewVolume(
                    Optional.of(name), Optional.of(""), gib, type, Map.of(), source, List.of());
        }
    }

    /**
     * Looks whether a new server can boot a volume.
     *
     * @return what the image said of itself that it starts as, if any
     * @throws ApiException 400 when it is not there for the caller, or not bootable
     */
    public static Map<String, String> bootable(
            Handle handle, Actor actor, Images images, Wanted wanted) {
        return switch (wanted) {
            case Existing(String id, boolean _) -> {
                Volume volume = existing(handle, actor, id);
                if (!volume.bootable()) {
                    throw ApiException.badRequest("Block Device %s is not bootable.".formatted(id));
                }
                yield volume.imageMetadata();
            }
            case Made made -> {
                VolumeContent content = content(handle, actor, images, made);
                if (made.source() instanceof VolumeSource.OfSnapshot(String id)
                        && !content.bootable()) {
                    throw ApiException.badRequest("Block Device %s is not bootable.".formatted(id));
                }
                yield content.imageMetadata();
            }
        };
    }

    /**
     * Claims the quota of what is to be made; before {@link #attach}, and before networks are
     * looked at.
     *
     * @param servers how many servers get such volumes each
     * @throws ApiException 403 beyond the quota; 400 for what cannot be made
     */
    public static void claim(
            Handle handle, Actor actor, Images images, List<Wanted> volumes, int servers) {
        List<Long> gib = new ArrayList<>();
        for (Made made : made(volumes)) {
            long size = content(handle, actor, images, made).gib();
            gib.addAll(Collections.nCopies(servers, size));
        }
        if (gib.isEmpty()) {
            return;
        }
        try {
            VolumeQuotas.claim(handle, actor.projectId(), gib);
        } catch (ApiException e) {
            throw new ApiException(Fault.FORBIDDEN, e.detail(), e);
        }
    }

    /**
     * Gives a new server of the caller's project its volumes, which are nobody else's from then on.
     * It can be placed on the {@link #nodes} only; the provider that is chosen is locked after
     * this.
     *
     * @param rootDisk whether the server has one, which is its first device
     * @param volumes in the order of its devices
     * @throws ApiException 400 when one is not there for the caller, not available or cannot be
     *     made, 403 when they are too many
     */
    public static void attach(
            Handle handle,
            Actor actor,
            Images images,
            UUID server,
            boolean rootDisk,
            List<Wanted> volumes) {
        // In the order in which all lock: providers, then volumes.
        List<UUID> ids = new ArrayList<>();
        Set<String> nodes = new HashSet<>();
        for (Wanted wanted : volumes) {
            if (wanted instanceof Existing(String id, boolean _)) {
                Volume volume = existing(handle, actor, id);
                ids.add(volume.id());
                volume.node().ifPresent(nodes::add);
            }
        }
        if (!ids.isEmpty()) {
            Providers.lock(handle, nodes);
            ids.stream().sorted().forEach(id -> Volume.lock(handle, id));
        }
        for (Wanted wanted : volumes) {
            switch (wanted) {
                case Existing(String id, boolean goes) ->
                        ServerVolumes.attach(
                                handle,
                                actor,
                                server,
                                rootDisk,
                                ServerVolumes.lock(handle, actor.projectId(), id),
                                goes);
                case Made made -> {
                    VolumeContent content = content(handle, actor, images, made);
                    NewVolume volume = made.volume(name(server, made.source()));
                    ServerVolumes.reserve(
                            handle,
                            server,
                            rootDisk,
                            VolumeMaking.insert(handle, actor, images, volume, content),
                            made.deleteOnTermination());
                }
            }
        }
    }

    /**
     * Looks again, after the server was placed: what a volume is to be a copy of may have changed
     * until its node was locked.
     *
     * @throws ApiException 400
     */
    public static void check(Handle handle, Actor actor, Images images, List<Wanted> volumes) {
        made(volumes).forEach(one -> content(handle, actor, images, one));
    }

    /** The nodes that have, or can make, all volumes of a server; empty: it has none. */
    public static Optional<Set<String>> nodes(Handle handle, UUID server) {
        Optional<Set<String>> nodes = Optional.empty();
        for (Volume volume : Volume.ofServer(handle, server)) {
            Set<String> its = new HashSet<>();
            if (volume.node().isPresent()) {
                its.add(volume.node().get());
            } else {
                its.addAll(Nodes.having(handle, Traits.VOLUMES));
                if (volume.isCopy()) {
                    its.retainAll(volume.nodeOfSource(handle).stream().toList());
                }
            }
            nodes.ifPresent(its::retainAll);
            nodes = Optional.of(its);
        }
        return nodes;
    }

    /** The room in MiB of a pool that a server's volumes need which are not placed yet. */
    public static long mib(Handle handle, UUID server) {
        return unplaced(handle, server).stream()
                .mapToLong(volume -> VolumePlacement.mib(volume.targetGib()))
                .sum();
    }

    /**
     * Takes the room of a server's volumes that are not placed yet.
     *
     * @param locked has the room
     */
    public static void allocate(Handle handle, UUID server, Provider locked) {
        Provider left = locked;
        for (Volume volume : unplaced(handle, server)) {
            left = VolumePlacement.take(handle, volume, left);
        }
    }

    /**
     * Servers have been placed, and with them their volumes for which room was taken.
     *
     * @param revision of the node's goal that carries this
     */
    public static void placed(Handle handle, Collection<UUID> servers, String node, long revision) {
        for (UUID server : servers) {
            for (Volume volume : unplaced(handle, server)) {
                volume.change(
                        handle, new Columns().set("node", node).set("goal_revision", revision));
            }
        }
    }

    /**
     * The server was not placed: its volumes are available again, and those that would have been
     * made with it are gone.
     */
    public static void giveBack(Handle handle, Images images, UUID server) {
        for (Volume volume : Volume.ofServer(handle, server)) {
            Volume locked = Volume.lock(handle, volume.id()).orElseThrow();
            Attachment.remove(handle, locked.id());
            if (locked.node().isEmpty()) {
                VolumeObservations.remove(handle, images, locked);
            } else if (locked.present() != Presence.COMING) {
                locked.change(handle, new Columns().set("status", Status.AVAILABLE.text()));
            }
        }
    }

    private static List<Volume> unplaced(Handle handle, UUID server) {
        return Volume.ofServer(handle, server).stream()
                .filter(volume -> volume.node().isEmpty())
                .toList();
    }

    private static List<Made> made(List<Wanted> volumes) {
        return volumes.stream().filter(Made.class::isInstance).map(Made.class::cast).toList();
    }

    /** As Nova names them. */
    private static String name(UUID server, VolumeSource source) {
        return source instanceof VolumeSource.Blank ? server + "-blank-vol" : "";
    }

    private static Volume existing(Handle handle, Actor actor, String id) {
        return Formats.uuid(id)
                .flatMap(uuid -> Volume.find(handle, uuid))
                .filter(one -> one.projectId().equals(actor.projectId()))
                .orElseThrow(() -> failedToGet("volume", id));
    }

    /** What a volume starts as; whatever is wrong with it is wrong with the request. */
    private static VolumeContent content(Handle handle, Actor actor, Images images, Made wanted) {
        if (wanted.source() instanceof VolumeSource.OfSnapshot(String id)
                && Formats.uuid(id)
                        .flatMap(uuid -> VolumeSnapshot.find(handle, uuid))
                        .filter(one -> actor.mayAccess(one.projectId()))
                        .isEmpty()) {
            throw failedToGet("snapshot", id);
        }
        if (wanted.type().filter(type -> !VolumeType.exists(handle, type)).isPresent()) {
            throw ApiException.badRequest(
                    "Volume type %s could not be found.".formatted(wanted.type().get()));
        }
        try {
            return VolumeContent.of(handle, actor, images, wanted.volume(""));
        } catch (ApiException e) {
            if (wanted.source() instanceof VolumeSource.Image(String id)
                    && e.detail().equals(Images.UNKNOWN_SOURCE)) {
                throw failedToGet("image", id);
            }
            throw ApiException.badRequest(e.detail());
        }
    }

    private static ApiException failedToGet(String what, String id) {
        return ApiException.badRequest(
                "Block Device Mapping is Invalid: failed to get %s %s.".formatted(what, id));
    }
}
