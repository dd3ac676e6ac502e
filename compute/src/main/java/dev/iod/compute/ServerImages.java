package dev.iod.compute;

import dev.iod.image.CaptureWatcher;
import dev.iod.image.Images;
import dev.iod.node.Disk;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;

/** Images of servers: {@code createImage} and {@code createBackup}. */
final class ServerImages {
    private static final int IMAGE_ID_SINCE = 45;

    /** Properties that say how an image is booted. */
    private static final Set<String> BOOT =
            Set.of(
                    "kernel_id",
                    "ramdisk_id",
                    "os_command_line",
                    "hw_firmware_type",
                    "os_secure_boot");

    private final Parts parts;

    ServerImages(Parts parts) {
        this.parts = parts;
    }

    /** Answers an action of either kind. */
    Response create(Request request, String id, String action, JsonNode body) {
        int minor = request.microversion().minor();
        boolean backup = action.equals("createBackup");
        JsonNode wanted =
                Bodies.checked(body, backup ? Bodies.CREATE_BACKUP : Bodies.CREATE_IMAGE, minor)
                        .path(action);
        Map<String, String> metadata = new HashMap<>();
        wanted.path("metadata")
                .properties()
                .forEach(e -> metadata.put(e.getKey(), e.getValue().asString()));
        Optional<Images.Rotation> rotation =
                backup
                        ? Optional.of(
                                new Images.Rotation(
                                        wanted.path("backup_type").stringValue(),
                                        Integer.parseInt(wanted.path("rotation").asString())))
                        : Optional.empty();
        String image =
                create(
                        Actor.of(request),
                        id,
                        wanted.path("name").stringValue().strip(),
                        metadata,
                        rotation);
        if (minor >= IMAGE_ID_SINCE) {
            return Response.json(202, Json.object().put("image_id", image));
        }
        // As in Nova: of a backup that does not stay there is no address.
        return rotation.filter(one -> one.kept() == 0).isPresent()
                ? Response.empty(202)
                : Response.empty(202)
                        .header("Location", request.baseUrl() + "/image/v2/images/" + image);
    }

    /**
     * Begins to make an image of a server's root disk.
     *
     * @param rotation of a backup
     * @return the image's id
     * @throws ApiException 404; 409 when its state does not allow it, or its node has no room; 400
     *     when it has no disk; 413 beyond the quotas
     */
    private String create(
            Actor actor,
            String id,
            String name,
            Map<String, String> metadata,
            Optional<Images.Rotation> rotation) {
        return parts.database()
                .locked(
                        handle -> {
                            Server server =
                                    ServerChanges.lockedWithNode(
                                            handle,
                                            actor,
                                            id,
                                            seen ->
                                                    ServerChanges.require(
                                                            seen,
                                                            rotation.isPresent()
                                                                    ? "backup"
                                                                    : "snapshot",
                                                            EnumSet.of(
                                                                    VmState.ACTIVE,
                                                                    VmState.PAUSED,
                                                                    VmState.STOPPED),
                                                            EnumSet.of(TaskState.NONE)));
                            Disk disk = disk(server);
                            String image =
                                    parts.images()
                                            .capture(
                                                    handle,
                                                    actor,
                                                    new Images.NewCapture(
                                                            server.id(),
                                                            server.node().orElseThrow(),
                                                            disk.getId(),
                                                            disk.getSizeBytes(),
                                                            image(
                                                                    handle, actor, server, name,
                                                                    metadata, rotation),
                                                            rotation));
                            InstanceActions.begin(
                                    handle,
                                    actor,
                                    server,
                                    rotation.isPresent()
                                            ? InstanceActions.Kind.CREATE_BACKUP
                                            : InstanceActions.Kind.CREATE_IMAGE);
                            ServerStore.setState(
                                    handle,
                                    server.id(),
                                    server.state()
                                            .during(
                                                    rotation.isPresent()
                                                            ? TaskState.IMAGE_BACKUP
                                                            : TaskState.IMAGE_SNAPSHOT));
                            return image;
                        });
    }

    private static Disk disk(Server server) {
        if (server.boot().volume()) {
            throw ApiException.badRequest(
                    "Instance %s boots a volume: make a snapshot or an image of that, no image is made of such a server."
                            .formatted(server.id()));
        }
        return RootDisks.of(server)
                .orElseThrow(
                        () ->
                                ApiException.badRequest(
                                        "Instance %s has no disk that an image could be made of."
                                                .formatted(server.id())));
    }

    private Images.NewImage image(
            Handle handle,
            Actor actor,
            Server server,
            String name,
            Map<String, String> metadata,
            Optional<Images.Rotation> rotation) {
        Images.Heritage base = parts.images().heritage(handle, actor, server.origin().imageId());
        Map<String, String> properties = new HashMap<>(base.properties());
        // The base may say something else by now than when the server was made of it.
        properties.keySet().removeAll(BOOT);
        properties.putAll(boot(server.boot()));
        properties.put("instance_uuid", server.id().toString());
        properties.put("user_id", actor.userId());
        properties.put("owner_id", server.projectId());
        properties.put("base_image_ref", server.origin().imageId());
        properties.put("image_location", "snapshot");
        properties.put("image_state", "available");
        properties.put("image_type", rotation.isPresent() ? "backup" : "snapshot");
        rotation.ifPresent(one -> properties.put("backup_type", one.backupType()));
        properties.putAll(metadata);
        return new Images.NewImage(
                server.projectId(),
                name,
                "private",
                false,
                "bare",
                Math.max(base.minDiskGib(), server.flavor().diskGib()),
                base.minRamMib(),
                properties);
    }

    /** What starts it, also when its image is gone. */
    private static Map<String, String> boot(Server.Boot boot) {
        Map<String, String> properties = new HashMap<>();
        switch (boot.what()) {
            case Images.Boot.Kernel kernel -> {
                properties.put("kernel_id", boot.kernelId());
                properties.put("ramdisk_id", boot.initrdId());
                if (!kernel.commandLine().isEmpty()) {
                    properties.put("os_command_line", kernel.commandLine());
                }
            }
            case Images.Boot.Disk(Images.Firmware firmware) -> {
                if (firmware != Images.Firmware.BIOS) {
                    properties.put("hw_firmware_type", "uefi");
                }
                if (firmware == Images.Firmware.UEFI_SECURE_BOOT) {
                    properties.put("os_secure_boot", "required");
                }
            }
        }
        return properties;
    }

    /** The task state of a server follows its image. */
    static final class Watcher implements CaptureWatcher {
        @Override
        public void lock(Handle handle, UUID consumer) {
            ServerStore.lock(handle, consumer);
        }

        @Override
        public void happened(Handle handle, UUID consumer, Event event) {
            ServerStore.find(handle, consumer)
                    .ifPresent(
                            server -> {
                                switch (event) {
                                    case Event.Taken() ->
                                            during(handle, server, TaskState.IMAGE_PENDING_UPLOAD);
                                    case Event.Arriving() ->
                                            during(handle, server, TaskState.IMAGE_UPLOADING);
                                    case Event.Done() -> end(handle, server, Optional.empty());
                                    case Event.Failed(String message, String details) ->
                                            end(
                                                    handle,
                                                    server,
                                                    Optional.of(new Failure(message, details)));
                                }
                            });
        }

        private static void end(Handle handle, Server server, Optional<Failure> failure) {
            if (server.state().task().isOfImage()) {
                InstanceActions.finish(handle, server.id(), failure);
            }
            during(handle, server, TaskState.NONE);
        }

        /** An administrator may have set it, or the server be deleted. */
        private static void during(Handle handle, Server server, TaskState task) {
            if (server.state().task().isOfImage()) {
                ServerStore.setState(handle, server.id(), server.state().during(task));
            }
        }
    }
}
