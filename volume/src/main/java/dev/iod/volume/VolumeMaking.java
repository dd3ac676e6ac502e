package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.rest.ApiException;
import dev.iod.store.Columns;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Makes the row of a new volume. */
final class VolumeMaking {
    private VolumeMaking() {}

    /**
     * Makes the row of a volume that is not placed, and keeps its image until it is made.
     *
     * @throws ApiException 404 for an unknown type
     */
    static Volume insert(
            Handle handle, Actor actor, Images images, NewVolume wanted, VolumeContent content) {
        VolumeType type = VolumeType.find(handle, wanted.type().orElse(VolumeType.DEFAULT));
        UUID id = UUID.randomUUID();
        Optional<Images.Part> disk = content.disk();
        disk.ifPresent(part -> images.hold(handle, part.imageId(), id));
        Volume made =
                Volume.TABLE.insert(
                        handle,
                        new Columns()
                                .set("id", id)
                                .set("project_id", actor.projectId())
                                .set("user_id", actor.userId())
                                .set("name", wanted.name())
                                .set("description", wanted.description())
                                .set("size_gib", content.gib())
                                .set("target_gib", content.gib())
                                .set("type_id", type.id())
                                .set("status", Status.CREATING.text())
                                .set("bootable", content.bootable())
                                .set("metadata", wanted.metadata())
                                .set("snapshot_id", content.snapshot())
                                .set("source_volid", content.volume())
                                .set("image_id", disk.map(Images.Part::imageId))
                                .set("image_sha256", disk.map(Images.Part::sha256))
                                .set("image_bytes", disk.map(Images.Part::sizeBytes))
                                .set("image_metadata", content.imageMetadata()));
        Audit.record(handle, actor, "create volume", id.toString());
        return made;
    }

    /** It is made, or will not be: what it starts as may go. */
    static Columns ended(Handle handle, Images images, Volume volume) {
        if (volume.node().isEmpty()) {
            // A snapshot that is being deleted is kept for the copy that waits.
            volume.nodeOfSource(handle).ifPresent(node -> NodeGoals.touch(handle, node));
        }
        if (volume.imageId().isEmpty()) {
            return new Columns();
        }
        images.release(handle, volume.id());
        return new Columns()
                .set("image_id", Optional.empty())
                .set("image_sha256", Optional.empty())
                .set("image_bytes", Optional.empty());
    }
}
