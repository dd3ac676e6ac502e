package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Formats;
import dev.iod.store.Columns;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * The volumes of servers, for the compute service. Everything runs in the caller's transaction,
 * with the server locked. Errors are {@link ApiException}s with the status and text Nova uses.
 */
public final class ServerVolumes {
    /** Most disks of a server, its root disk included. */
    public static final int MAX_DISKS = 8;

    private static final String DEVICE = "/dev/vd";

    /** The request of what follows from the end of a server. */
    private static final String NO_REQUEST = "";

    /** Server and volume in the order of the devices. */
    private static final String SELECT =
            """
            SELECT a.server_id, a.volume_id, a.id, a.device, a.delete_on_termination,
                   v.target_gib, v.status
            FROM volume_attachment a JOIN volume v ON v.id = a.volume_id
            WHERE a.server_id = ANY(:servers) ORDER BY a.device
            """;

    private ServerVolumes() {}

    /**
     * A volume that a server has, or is to get or to give back.
     *
     * @param id of the attachment
     * @param device such as {@code /dev/vdb}
     * @param leaving the server shall give it back
     */
    public record Attached(
            UUID volumeId,
            UUID id,
            UUID serverId,
            String device,
            long sizeBytes,
            boolean deleteOnTermination,
            boolean leaving) {
        /** Whether it is the server's first device. */
        public boolean first() {
            return device.equals(DEVICE + 'a');
        }
    }

    /** Those of servers, in the order of their devices; servers without volumes are absent. */
    public static Map<UUID, List<Attached>> of(Handle handle, Collection<UUID> servers) {
        Map<UUID, List<Attached>> found = new HashMap<>();
        handle.createQuery(SELECT)
                .bindArray("servers", UUID.class, servers)
                .map(
                        (row, context) ->
                                new Attached(
                                        row.getObject("volume_id", UUID.class),
                                        row.getObject("id", UUID.class),
                                        row.getObject("server_id", UUID.class),
                                        row.getString("device"),
                                        row.getLong("target_gib") << 30,
                                        row.getBoolean("delete_on_termination"),
                                        row.getString("status").equals(Status.DETACHING.text())))
                .forEach(
                        one ->
                                found.computeIfAbsent(one.serverId(), id -> new ArrayList<>())
                                        .add(one));
        return found;
    }

    /** What the image said of itself that a server's volume started as, if any. */
    public static Map<String, String> image(Handle handle, Attached attached) {
        return Volume.find(handle, attached.volumeId()).orElseThrow().imageMetadata();
    }

    /**
     * Gives a server a volume.
     *
     * @param project of the server, and so of the volume
     * @param node that the server is placed on
     * @param rootDisk whether the server has one, which is its first device
     * @throws ApiException 404 when there is no such volume for the caller, 400 when it is not
     *     available or on another node, 403 when the server has too many disks
     */
    public static Attached attach(
            Handle handle,
            Actor actor,
            UUID server,
            String project,
            String node,
            boolean rootDisk,
            String volumeId,
            boolean deleteOnTermination) {
        Volume volume = lock(handle, project, volumeId);
        checkAvailable(volume);
        if (!volume.node().equals(Optional.of(node))) {
            throw invalid(
                    ("volume '%s' is not on the node of server '%s'; volumes of type %s serve"
                                    + " servers of their own node only.")
                            .formatted(volume.id(), server, volume.typeName()));
        }
        attach(handle, actor, server, rootDisk, volume, deleteOnTermination);
        return find(handle, server, volumeId).orElseThrow();
    }

    private static void checkAvailable(Volume volume) {
        if (volume.state() != Status.AVAILABLE) {
            throw invalid(
                    "volume '%s' status must be 'available'. Currently in '%s' status."
                            .formatted(volume.id(), volume.state().text()));
        }
    }

    /** The same for a volume that is locked, whatever node the server is on. */
    static void attach(
            Handle handle,
            Actor actor,
            UUID server,
            boolean rootDisk,
            Volume volume,
            boolean deleteOnTermination) {
        checkAvailable(volume);
        Audit.record(handle, actor, "attach volume", volume.id().toString());
        reserve(handle, server, rootDisk, volume, deleteOnTermination);
        volume.change(
                handle,
                new Columns()
                        .set("status", Status.ATTACHING.text())
                        .set(
                                "goal_revision",
                                NodeGoals.touch(handle, volume.node().orElseThrow())));
    }

    /** Makes a volume a server's, by the next free name of a device. */
    static void reserve(
            Handle handle,
            UUID server,
            boolean rootDisk,
            Volume volume,
            boolean deleteOnTermination) {
        Attachment.TABLE.insert(
                handle,
                new Columns()
                        .set("volume_id", volume.id())
                        .set("server_id", server)
                        .set("device", freeDevice(handle, server, rootDisk))
                        .set("delete_on_termination", deleteOnTermination));
    }

    private static String freeDevice(Handle handle, UUID server, boolean rootDisk) {
        Set<String> taken =
                of(handle, List.of(server)).getOrDefault(server, List.of()).stream()
                        .map(Attached::device)
                        .collect(Collectors.toSet());
        for (int i = rootDisk ? 1 : 0; i < MAX_DISKS; i++) {
            String device = DEVICE + (char) ('a' + i);
            if (!taken.contains(device)) {
                return device;
            }
        }
        throw new ApiException(
                Fault.FORBIDDEN,
                ("The maximum allowed number of disk devices (%d) to attach to a single instance"
                                + " has been exceeded.")
                        .formatted(MAX_DISKS));
    }

    /** The volume of a server with that id. */
    public static Optional<Attached> find(Handle handle, UUID server, String volumeId) {
        Optional<UUID> wanted = Formats.uuid(volumeId);
        return of(handle, List.of(server)).getOrDefault(server, List.of()).stream()
                .filter(one -> wanted.equals(Optional.of(one.volumeId())))
                .findAny();
    }

    /**
     * Takes a volume back from a server, which is done when the guest has let go of it.
     *
     * @throws ApiException 404 when the server has no such volume, 400 when it is on its way back,
     *     or not known to be made
     */
    public static void detach(Handle handle, Actor actor, UUID server, String volumeId) {
        Attached attached =
                find(handle, server, volumeId)
                        .orElseThrow(
                                () -> ApiException.notFound("volume_id not found: " + volumeId));
        Volume volume = Volume.lock(handle, attached.volumeId()).orElseThrow();
        if (volume.state() == Status.DETACHING
                || volume.state() == Status.UPLOADING
                || volume.present() == Presence.COMING) {
            throw invalid(
                    "Volume %s status must be 'in-use'. Currently in '%s' status."
                            .formatted(volume.id(), volume.state().text()));
        }
        Audit.record(handle, actor, "detach volume", volume.id().toString());
        Attachment.waitsFor(handle, volume.id(), "");
        volume.change(
                handle,
                new Columns()
                        .set("status", Status.DETACHING.text())
                        .set(
                                "goal_revision",
                                NodeGoals.touch(handle, volume.node().orElseThrow())));
    }

    /** Says whether a volume goes with its server. */
    public static void setDeleteOnTermination(Handle handle, Attached attached, boolean goes) {
        Attachment.TABLE.update(
                handle,
                Attachment.TABLE.is(attached.volumeId()),
                new Columns().set("delete_on_termination", goes));
    }

    /**
     * The server is gone: its volumes are available again, or go with it. One that has snapshots
     * cannot go, and its owner is told. One that was to be made with the server and has no node yet
     * is gone.
     */
    public static void release(Handle handle, Images images, UUID server) {
        for (Attached one : of(handle, List.of(server)).getOrDefault(server, List.of())) {
            Volume volume = Volume.lock(handle, one.volumeId()).orElseThrow();
            Attachment.remove(handle, volume.id());
            if (volume.node().isEmpty()) {
                VolumeObservations.remove(handle, images, volume);
                continue;
            }
            Columns columns = new Columns();
            boolean goes = one.deleteOnTermination();
            if (goes && !VolumeSnapshot.ofVolume(handle, volume.id()).isEmpty()) {
                goes = false;
                Message.write(handle, volume, Message.Event.DELETE_WITH_SNAPSHOTS, "", NO_REQUEST);
            }
            if (goes) {
                images.endCapture(handle, volume.id());
                columns.set("status", Status.DELETING.text())
                        .set("goal_revision", NodeGoals.touch(handle, volume.node().orElseThrow()));
            } else if (volume.present() != Presence.COMING && volume.state() != Status.UPLOADING) {
                columns.set("status", Status.AVAILABLE.text());
            }
            if (!columns.isEmpty()) {
                volume.change(handle, columns);
            }
        }
    }

    /**
     * Whoever asks, a server gets volumes of its own project only: with it they go to the server's
     * owner, who may have them deleted.
     */
    static Volume lock(Handle handle, String project, String id) {
        return Formats.uuid(id)
                .flatMap(uuid -> Volume.lock(handle, uuid))
                .filter(one -> one.projectId().equals(project))
                .orElseThrow(() -> ApiException.notFound(VolumeChanges.missing(id)));
    }

    private static ApiException invalid(String reason) {
        return ApiException.badRequest("Invalid volume: " + reason);
    }
}
