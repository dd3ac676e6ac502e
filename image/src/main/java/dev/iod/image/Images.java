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

    /** What of an image is started. */
    sealed interface Boot {
        /**
         * A kernel with an initial RAM disk, started without a firmware.
         *
         * @param commandLine the image's property {@code os_command_line}, or empty
         */
        record Kernel(Part kernel, Part initrd, String commandLine) implements Boot {}

        /** The image's own bytes, as a disk, by a firmware. */
        record Disk(Firmware firmware) implements Boot {}
    }

    /** The properties {@code hw_firmware_type} and {@code os_secure_boot}. */
    enum Firmware {
        BIOS,
        UEFI,
        UEFI_SECURE_BOOT
    }

    /**
     * What a server is made of.
     *
     * @param disk what a root disk starts as: the bytes of an image of disk format {@code raw}, or
     *     the disk that was made of another format's; there when the disk is booted
     * @param machineType the property {@code hw_machine_type}: {@code q35}, or empty for any
     */
    record Bootable(
            String imageId,
            String name,
            Boot boot,
            Optional<Part> disk,
            String machineType,
            long minRamMib,
            long minDiskGib) {}

    /**
     * Resolves an image to what a server boots: with the property {@code kernel_id} or {@code
     * ramdisk_id} these parts, else its own bytes as a disk.
     *
     * @throws dev.iod.rest.ApiException 400 when the image is missing, not visible to the caller,
     *     not active, or asks for what no server here has
     */
    Bootable resolve(Handle handle, Actor actor, String imageId);
}
