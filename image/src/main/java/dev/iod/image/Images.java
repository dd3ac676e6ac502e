package dev.iod.image;

import dev.iod.region.Actor;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** What other services need of images. */
public interface Images {
    /**
     * A part of an image that a node can fetch.
     *
     * @param sha256 hex
     */
    record Part(String imageId, String sha256, long sizeBytes) {}

    /**
     * What a server boots from.
     *
     * @param disk the bytes that a root disk starts as, of an image of disk format {@code raw}
     * @param commandLine the image's property {@code os_command_line}, or empty
     */
    record Bootable(
            String imageId,
            String name,
            Part kernel,
            Part initrd,
            Optional<Part> disk,
            String commandLine,
            long minRamMib,
            long minDiskGib) {}

    /**
     * Resolves an image with the properties {@code kernel_id} and {@code ramdisk_id} to its parts.
     *
     * @throws dev.iod.rest.ApiException 400 when the image is missing, not visible to the caller,
     *     not active, or cannot be booted
     */
    Bootable resolve(Handle handle, Actor actor, String imageId);
}
