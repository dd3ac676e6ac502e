package dev.iod.volume;

import dev.iod.image.CaptureWatcher;
import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Images of volumes: {@code os-volume_upload_image}. */
final class VolumeImages {
    private static final String FORMAT = "raw";
    private static final String CONTAINER = "bare";

    /** The microversion that says by whom an image is seen; before, that is as Glance has it. */
    private static final int VISIBILITY_SINCE = 1;

    /** What an image says of itself otherwise than by its properties. */
    private static final Set<String> ATTRIBUTES =
            Set.of(
                    "checksum",
                    "container_format",
                    "disk_format",
                    "image_name",
                    "image_id",
                    "min_disk",
                    "min_ram",
                    "name",
                    "size");

    private final Database database;
    private final Images images;

    VolumeImages(Database database, Images images) {
        this.database = database;
        this.images = images;
    }

    /**
     * Begins to make an image of a volume.
     *
     * @param wanted what the request says of the image
     * @throws ApiException 404; 400 when the volume's status does not allow it, or for a format
     *     that is not made; 409 when its node cannot or has no room; 413 beyond the quotas
     */
    Response upload(Request request, String id, JsonNode wanted) {
        Actor actor = Actor.of(request);
        String format = wanted.path("disk_format").stringValueOpt().orElse(FORMAT);
        if (!format.equals(FORMAT)) {
            throw ApiException.badRequest(
                    "Invalid disk format '%s' for the image of a volume: only raw is made, whose zeros take no room."
                            .formatted(format));
        }
        boolean force = isTrue(wanted, "force");
        return database.locked(
                handle -> {
                    Volume volume = VolumeChanges.lockedWithNode(handle, actor, id);
                    check(volume, force);
                    Images.NewImage image = image(volume, wanted, request.microversion().minor());
                    String imageId =
                            images.capture(
                                    handle,
                                    actor,
                                    new Images.NewCapture(
                                            volume.id(),
                                            volume.node().orElseThrow(),
                                            volume.id().toString(),
                                            volume.sizeGib() << 30,
                                            image,
                                            Optional.empty()));
                    Audit.record(handle, actor, "upload volume to image", volume.id().toString());
                    Volume uploading =
                            volume.change(
                                    handle, new Columns().set("status", Status.UPLOADING.text()));
                    return Response.json(
                            202,
                            shown(
                                    uploading,
                                    VolumeType.find(handle, volume.typeId().toString()),
                                    image,
                                    imageId,
                                    request.microversion().minor()));
                });
    }

    private static boolean isTrue(JsonNode wanted, String name) {
        return wanted.has(name) && Schema.Truth.of(wanted.path(name));
    }

    private static void check(Volume volume, boolean force) {
        boolean ready =
                volume.state() == Status.AVAILABLE || force && volume.state() == Status.IN_USE;
        if (!ready || volume.present() != Presence.MADE) {
            throw VolumeChanges.invalid(
                    "Volume %s status must be %s, but current status is: %s."
                            .formatted(
                                    volume.id(),
                                    force ? "available or in-use" : "available",
                                    volume.state().text()));
        }
    }

    private static Images.NewImage image(Volume volume, JsonNode wanted, int minor) {
        Map<String, String> properties = new HashMap<>(Images.inherited(volume.imageMetadata()));
        properties.keySet().removeAll(ATTRIBUTES);
        return new Images.NewImage(
                volume.projectId(),
                wanted.path("image_name").stringValue(),
                wanted.path("visibility")
                        .stringValueOpt()
                        .orElse(minor >= VISIBILITY_SINCE ? "private" : "shared"),
                isTrue(wanted, "protected"),
                wanted.path("container_format").stringValueOpt().orElse(CONTAINER),
                volume.sizeGib(),
                Long.parseLong(volume.imageMetadata().getOrDefault("min_ram", "0")),
                properties);
    }

    private static ObjectNode shown(
            Volume volume, VolumeType type, Images.NewImage image, String imageId, int minor) {
        ObjectNode root = Json.object();
        ObjectNode shown = root.putObject("os-volume_upload_image");
        shown.put("id", volume.id().toString());
        shown.set("updated_at", View.naiveTime(volume.updatedAt()));
        shown.put("status", volume.state().text());
        Json.put(shown, "display_description", volume.description());
        shown.put("size", volume.sizeGib());
        ObjectNode shownType = shown.putObject("volume_type");
        shownType.put("id", type.id().toString());
        shownType.put("name", type.name());
        shownType.put("description", type.description());
        shownType.put("is_public", true);
        shownType.putObject("extra_specs");
        shown.put("container_format", image.containerFormat());
        shown.put("disk_format", FORMAT);
        shown.put("image_id", imageId);
        shown.put("image_name", image.name());
        if (minor >= VISIBILITY_SINCE) {
            shown.put("visibility", image.visibility());
            shown.put("protected", image.isProtected());
        }
        return root;
    }

    /** A volume is as before when its image is there, or will not be. */
    static final class Watcher implements CaptureWatcher {
        @Override
        public void lock(Handle handle, UUID consumer) {
            Volume.lock(handle, consumer);
        }

        @Override
        public void happened(Handle handle, UUID consumer, Event event) {
            Volume.find(handle, consumer)
                    .ifPresent(
                            volume -> {
                                switch (event) {
                                    case Event.Taken(), Event.Arriving() -> {}
                                    case Event.Done() -> end(handle, volume);
                                    case Event.Failed(String message, String details) -> {
                                        Message.write(
                                                handle,
                                                volume,
                                                Message.Event.UPLOAD,
                                                (message + " " + details).strip(),
                                                "");
                                        end(handle, volume);
                                    }
                                }
                            });
        }

        private static void end(Handle handle, Volume volume) {
            if (volume.state() == Status.UPLOADING) {
                volume.change(
                        handle,
                        new Columns()
                                .set(
                                        "status",
                                        (volume.serverId().isPresent()
                                                        ? Status.IN_USE
                                                        : Status.AVAILABLE)
                                                .text()));
            }
        }
    }
}
