package dev.iod.volume;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * What a new volume starts as, once it was looked up and may be used.
 *
 * @param gib size of the new volume
 * @param node that the volume must be on; empty: any
 * @param disk of an image
 * @param bootable whether a server can start from it
 * @param imageMetadata what the image says of itself, also of a copy's copy
 */
record VolumeContent(
        long gib,
        Optional<String> node,
        Optional<UUID> snapshot,
        Optional<UUID> volume,
        Optional<Images.Part> disk,
        boolean bootable,
        Map<String, String> imageMetadata) {
    private static final Set<Status> CLONED = Set.of(Status.AVAILABLE, Status.IN_USE);

    VolumeContent {
        imageMetadata = Map.copyOf(imageMetadata);
    }

    /**
     * Looks up what a volume shall start as.
     *
     * @throws ApiException in Cinder's words: 404 when there is no such snapshot or volume, 400
     *     when it cannot be used or the size is not right
     */
    static VolumeContent of(Handle handle, Actor actor, Images images, NewVolume wanted) {
        return switch (wanted.source()) {
            case VolumeSource.Blank() ->
                    new VolumeContent(
                            size(wanted.gib()),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            false,
                            Map.of());
            case VolumeSource.Image(String reference) ->
                    ofImage(images.source(handle, actor, reference), wanted.gib());
            case VolumeSource.OfSnapshot(String id) ->
                    ofSnapshot(SnapshotChanges.find(handle, actor, id), wanted.gib());
            case VolumeSource.OfVolume(String id) ->
                    ofVolume(VolumeChanges.find(handle, actor, id), wanted.gib());
        };
    }

    private static long size(OptionalLong gib) {
        return gib.orElseThrow(
                () ->
                        input(
                                "Invalid volume size provided for create request: None (size"
                                        + " argument must be an integer (or string representation"
                                        + " of an integer) and greater than zero)."));
    }

    private static VolumeContent ofImage(Images.Source image, OptionalLong wanted) {
        long gib = size(wanted);
        long imageGib = roundedUp(image.sizeBytes());
        if (imageGib > gib) {
            throw input(
                    "Size of specified image %dGB is larger than volume size %dGB."
                            .formatted(imageGib, gib));
        }
        if (gib < image.minDiskGib()) {
            throw input(
                    "Volume size %dGB cannot be smaller than the image minDisk size %dGB."
                            .formatted(gib, image.minDiskGib()));
        }
        long diskGib = roundedUp(image.disk().sizeBytes());
        if (diskGib > gib) {
            throw ApiException.badRequest(
                    ("Image %s is unacceptable: Image virtual size is %dGB and doesn't fit in a"
                                    + " volume of size %dGB.")
                            .formatted(image.imageId(), diskGib, gib));
        }
        return new VolumeContent(
                gib,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(image.disk()),
                true,
                image.metadata());
    }

    private static VolumeContent ofSnapshot(VolumeSnapshot source, OptionalLong wanted) {
        if (source.state() != Status.AVAILABLE) {
            throw ApiException.badRequest(
                    "Invalid snapshot: Originating snapshot status must be one of 'available'"
                            + " values");
        }
        long gib = wanted.orElse(source.sizeGib());
        if (gib < source.sizeGib()) {
            throw input(
                    ("Volume size '%d'GB cannot be smaller than the snapshot size %dGB. They must"
                                    + " be >= original snapshot size.")
                            .formatted(gib, source.sizeGib()));
        }
        return new VolumeContent(
                gib,
                source.node(),
                Optional.of(source.id()),
                Optional.empty(),
                Optional.empty(),
                source.bootable(),
                source.imageMetadata());
    }

    private static VolumeContent ofVolume(Volume source, OptionalLong wanted) {
        if (!CLONED.contains(source.state())) {
            throw ApiException.badRequest(
                    "Invalid volume: Originating source volume status must be one of 'available,"
                            + " in-use' values");
        }
        long gib = wanted.orElse(source.sizeGib());
        if (gib < source.sizeGib()) {
            throw input(
                    ("Volume size '%d'GB cannot be smaller than original volume size  %dGB. They"
                                    + " must be >= original volume size.")
                            .formatted(gib, source.sizeGib()));
        }
        return new VolumeContent(
                gib,
                source.node(),
                Optional.empty(),
                Optional.of(source.id()),
                Optional.empty(),
                source.bootable(),
                source.imageMetadata());
    }

    private static long roundedUp(long bytes) {
        return (bytes + (1L << 30) - 1) >> 30;
    }

    private static ApiException input(String reason) {
        return ApiException.badRequest("Invalid input received: " + reason);
    }
}
