package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.volume.ServerVolumes;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A server: a row of table {@code server}.
 *
 * @param number counts up over the region; part of the name Nova calls {@code instance_name}
 * @param hostname what the guest calls itself
 * @param flavor as it was when the server was made or resized
 * @param groupId the server group, if it still exists
 * @param node empty when it is not placed; then it has no allocations
 * @param rescue what it boots instead of what it is made of
 * @param resize what it has beside its flavor until a resize is confirmed or reverted
 */
record Server(
        UUID id,
        long number,
        String projectId,
        String userId,
        String name,
        Optional<String> description,
        String hostname,
        Origin origin,
        Boot boot,
        Flavor flavor,
        Guest guest,
        Presentation presentation,
        Optional<UUID> groupId,
        Optional<String> node,
        Lifecycle.State state,
        Optional<Rescue> rescue,
        Optional<Resize> resize,
        Optional<ServerFault> fault,
        Optional<Lock> lock,
        Times times) {

    /**
     * The request it comes from.
     *
     * @param imageId may be empty when it boots a volume
     * @param requestedZone empty for none
     * @param requestedNode the only node that an administrator allowed
     */
    record Origin(
            String reservationId,
            int launchIndex,
            String imageId,
            String requestedZone,
            Optional<String> requestedNode) {}

    /**
     * What it boots, copied from the image.
     *
     * @param disk what its root disk starts as; empty: zeros
     * @param volume it has no root disk, but boots its first volume
     * @param rootDisk which of its root disks it has: 0 for the first, else the number of the boot
     *     that it was made for. A rebuild or resize makes it another one; none has a number again
     */
    record Boot(Images.Boot what, Optional<Images.Part> disk, boolean volume, long rootDisk) {
        static Boot of(Images.Bootable image) {
            return new Boot(image.boot(), image.disk(), false, 0);
        }

        static Boot ofVolume(Images.Boot what) {
            return new Boot(what, Optional.empty(), true, 0);
        }

        /** The same with another root disk. */
        Boot onRootDisk(long other) {
            return new Boot(what, disk, volume, other);
        }

        /** Whether a firmware starts it. */
        boolean byFirmware() {
            return what instanceof Images.Boot.Disk;
        }

        /** The id of its kernel's image; as in Nova empty when it boots a disk. */
        String kernelId() {
            return kernel().map(kernel -> kernel.kernel().imageId()).orElse("");
        }

        /** The id of its initial RAM disk's image, or empty. */
        String initrdId() {
            return kernel().map(kernel -> kernel.initrd().imageId()).orElse("");
        }

        private Optional<Images.Boot.Kernel> kernel() {
            return what instanceof Images.Boot.Kernel kernel
                    ? Optional.of(kernel)
                    : Optional.empty();
        }
    }

    /**
     * What the guest is told.
     *
     * @param keyOpenssh empty without a key
     * @param passwordHash of the administrator; empty when none is set
     * @param userData base64
     */
    record Guest(
            Optional<String> keyName,
            String keyOpenssh,
            Optional<String> passwordHash,
            Optional<String> userData,
            Map<String, String> metadata) {
        Guest {
            metadata = Map.copyOf(metadata);
        }
    }

    /** What the API keeps for the user and nobody acts on. */
    record Presentation(
            List<String> tags, String diskConfig, String accessIpv4, String accessIpv6) {
        Presentation {
            tags = List.copyOf(tags);
        }
    }

    /**
     * Keeps all but administrators from changing it.
     *
     * @param by {@code owner} or {@code admin}
     */
    record Lock(String by, Optional<String> reason) {
        static final String OWNER = "owner";
        static final String ADMIN = "admin";
    }

    /**
     * What it boots while it is rescued, beside its own disks.
     *
     * @param number of its rescue disk
     * @param diskBytes of its rescue disk, 0: it has none
     * @param passwordHash as in {@link Guest}
     */
    record Rescue(Boot boot, long number, long diskBytes, Optional<String> passwordHash) {}

    /**
     * The other flavor of a server that is resized.
     *
     * @param flavor that it had, or what it leaves when it is reverted
     * @param rootDisk likewise
     * @param off whether it was off when the resize was asked for
     * @param reverting it gets back what it had: the other root disk is not wanted any more
     */
    record Resize(Flavor flavor, long rootDisk, boolean off, boolean reverting) {}

    /** Why it is in ERROR. */
    record ServerFault(Failure failure, Instant at) {}

    record Times(Instant created, Instant updated, Optional<Instant> launched) {}

    /** Nova's name for the machine. */
    String instanceName() {
        return "instance-%08x".formatted(number);
    }

    /** Whether it is that volume that it boots. */
    boolean boots(ServerVolumes.Attached volume) {
        return boot.volume() && volume.first();
    }

    /** The same with another flavor and root disk. */
    Server resized(Flavor other, long rootDisk, Optional<Resize> resize) {
        return new Server(
                id,
                number,
                projectId,
                userId,
                name,
                description,
                hostname,
                origin,
                boot.onRootDisk(rootDisk),
                other,
                guest,
                presentation,
                groupId,
                node,
                state,
                rescue,
                resize,
                fault,
                lock,
                times);
    }

    /** What it boots now. */
    Boot booted() {
        return rescue.map(Rescue::boot).orElse(boot);
    }

    boolean deleting() {
        return state.task() == TaskState.DELETING;
    }
}
