package dev.iod.image;

import dev.iod.region.Actor;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
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
     * By what a volume is booted that started as an image.
     *
     * @param metadata what the image said of itself, as in {@link Source}; empty: BIOS
     * @throws dev.iod.rest.ApiException 400 when it asks for what no server here has
     */
    static Firmware firmware(Map<String, String> metadata) {
        return Hardware.firmwareOfVolume(metadata);
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

    /** What {@link #source} says of an image that is not there for its caller. */
    String UNKNOWN_SOURCE = "Invalid image identifier or unable to access requested image.";

    /**
     * An image as what a volume starts as.
     *
     * @param sizeBytes of what was uploaded
     * @param metadata what it says of itself, its properties too, by the names Cinder shows
     */
    record Source(
            String imageId,
            Part disk,
            long sizeBytes,
            long minDiskGib,
            Map<String, String> metadata) {
        /** Copies the metadata. */
        public Source {
            metadata = Map.copyOf(metadata);
        }
    }

    /**
     * Resolves an image to what a volume starts as.
     *
     * @param reference its id, alone or at the end of an address, or its name if it is in the
     *     caller's list as {@code GET /v2/images} shows it
     * @throws dev.iod.rest.ApiException in Cinder's words: 400 when there is none that the caller
     *     may see, or it is not active, or no disk; 409 when several have that name
     */
    Source source(Handle handle, Actor actor, String reference);

    /**
     * Keeps an image from being deleted until {@link #release}.
     *
     * @param consumer what is being made of it, of one image at a time
     * @throws dev.iod.rest.ApiException 400 in Cinder's words when it is gone
     */
    void hold(Handle handle, String imageId, UUID consumer);

    /** What was being made is made, or will not be. Nothing happens if it held no image. */
    void release(Handle handle, UUID consumer);

    /**
     * What is inherited by images that are made of an image's servers.
     *
     * @param properties without those that are of that image alone
     */
    record Heritage(long minRamMib, long minDiskGib, Map<String, String> properties) {
        /** Copies the properties. */
        public Heritage {
            properties = Map.copyOf(properties);
        }

        /** Of an image that is not there any more. */
        public static final Heritage NONE = new Heritage(0, 0, Map.of());
    }

    /**
     * What an image that is made of a volume has of the properties that the volume started with.
     */
    static Map<String, String> inherited(Map<String, String> properties) {
        return ImageAttributes.inherited(properties);
    }

    /** {@link Heritage#NONE} when the caller does not see the image. */
    Heritage heritage(Handle handle, Actor actor, String imageId);

    /**
     * How many backups of a kind a server keeps: older ones go when a new one is there.
     *
     * @param kept 0: not even the new one
     */
    record Rotation(String backupType, int kept) {}

    /**
     * An image that is to be made of a disk.
     *
     * @param visibility as the API writes it
     * @param properties checked as those of a request
     */
    record NewImage(
            String owner,
            String name,
            String visibility,
            boolean isProtected,
            String containerFormat,
            long minDiskGib,
            long minRamMib,
            Map<String, String> properties) {
        /** Copies the properties. */
        public NewImage {
            properties = Map.copyOf(properties);
        }
    }

    /**
     * A disk of a node that an image is to be made of.
     *
     * @param consumer the server or volume whose disk it is, which the transaction has locked, and
     *     before it the node
     * @param diskId of a volume or disk of the node's goal
     * @param sizeBytes of the disk as the goal says it
     */
    record NewCapture(
            UUID consumer,
            String node,
            String diskId,
            long sizeBytes,
            NewImage image,
            Optional<Rotation> rotation) {}

    /**
     * Begins to make an image of a disk, as it will be at one moment soon; a {@link CaptureWatcher}
     * is told how it goes on. The image is saving until it is active or deleted; so long it takes
     * the disk's size of the node's pool.
     *
     * @return the image's id
     * @throws dev.iod.rest.ApiException 409 when one is being made of the consumer, or the node
     *     cannot, or has no room; 413 beyond the quotas of images and their bytes, of which it
     *     holds its whole size; 400 and 403 for attributes that an image cannot have
     */
    String capture(Handle handle, Actor actor, NewCapture wanted);

    /**
     * The consumer goes: no image is made of it; nobody is told. The transaction has locked its
     * node before it.
     */
    void endCapture(Handle handle, UUID consumer);
}
