package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.node.Disk;
import dev.iod.rest.ApiException;
import java.util.Optional;
import java.util.UUID;

/**
 * The root disk of a server: as large as the flavor says and, as in Nova, as large as the image
 * when the flavor says 0. It starts as the image's bytes when the image is a raw disk, else as
 * zeros; a flavor of 0 with an image that is no disk makes none, nor has one a server that boots a
 * volume.
 */
final class RootDisks {
    private static final long UNIT_BYTES = 4096;

    private static final String ROOT = "root-";
    private static final String RESCUE = "rescue-";

    private RootDisks() {}

    /**
     * @throws ApiException 400 when the flavor asks for more disks than that one
     */
    static void check(Flavor flavor) {
        if (flavor.swapMib() > 0 || flavor.ephemeralGib() > 0) {
            throw ApiException.badRequest(
                    "Flavor %s asks for a swap or an ephemeral disk, which this region does not offer."
                            .formatted(flavor.name()));
        }
    }

    /**
     * @throws ApiException 400 in Nova's words when the image does not fit into the flavor's disk
     */
    static void check(Flavor flavor, Images.Bootable image) {
        long diskBytes = bytes(flavor);
        long minimum = image.minDiskGib() << 30;
        long imageBytes = image.disk().map(Images.Part::sizeBytes).orElse(0L);
        if (diskBytes > 0 && diskBytes < imageBytes) {
            throw ApiException.badRequest(
                    "Flavor's disk is too small for requested image. Flavor disk is %d bytes, image is %d bytes."
                            .formatted(diskBytes, imageBytes));
        }
        if (diskBytes > 0 && diskBytes < minimum) {
            throw ApiException.badRequest(
                    "Flavor's disk is too small for requested image. Flavor disk is %d bytes, minimum is %d bytes."
                            .formatted(diskBytes, minimum));
        }
    }

    /** What a node is told; empty: the server has none. */
    static Optional<Disk> of(Server server) {
        Optional<Images.Part> base = server.boot().disk();
        long bytes = bytes(server.flavor(), server.boot());
        if (bytes == 0) {
            return Optional.empty();
        }
        Disk.Builder disk =
                Disk.newBuilder()
                        .setId(id(server.id(), server.boot().rootDisk()))
                        .setSizeBytes(bytes)
                        .setMade(madeBefore(server));
        source(server)
                .ifPresentOrElse(
                        old -> disk.setSourceId(old.getId()),
                        () -> base.ifPresent(part -> disk.setImage(ComputeGoals.part(part))));
        return Optional.of(disk.build());
    }

    /**
     * The root disk from before a resize, until that is over. A machine with another disk may run:
     * no server's machine keeps it then, so the goal has to name it by itself.
     */
    static Optional<Disk> kept(Server server) {
        return switch (server.state().resize()) {
            case NONE -> Optional.empty();
            case OPEN -> source(server);
            case REVERTING -> of(server);
        };
    }

    /** The disk that the present one starts as. */
    private static Optional<Disk> source(Server server) {
        return server.resize()
                .filter(resize -> !resize.reverting() && otherBytes(server, resize) > 0)
                .map(
                        resize ->
                                Disk.newBuilder()
                                        .setId(id(server.id(), resize.rootDisk()))
                                        .setSizeBytes(otherBytes(server, resize))
                                        .setMade(true)
                                        .build());
    }

    /** What is gone then is lost: it is not made anew of what it started as. */
    private static boolean madeBefore(Server server) {
        return switch (server.state().resize()) {
            case NONE -> false;
            case OPEN -> server.state().vm() == VmState.RESIZED;
            case REVERTING -> true;
        };
    }

    private static long otherBytes(Server server, Server.Resize resize) {
        return bytes(resize.flavor(), server.boot());
    }

    /** What a node is told of a server's rescue disk; empty: it has none. */
    static Optional<Disk> ofRescue(Server server) {
        return server.rescue()
                .filter(rescue -> rescue.diskBytes() > 0)
                .map(
                        rescue -> {
                            Disk.Builder disk =
                                    Disk.newBuilder()
                                            .setId(RESCUE + server.id() + "-r" + rescue.number())
                                            .setSizeBytes(rescue.diskBytes());
                            rescue.boot()
                                    .disk()
                                    .ifPresent(part -> disk.setImage(ComputeGoals.part(part)));
                            return disk.build();
                        });
    }

    /** As large as its image: how much a rescue disk of it has. */
    static long rescueBytes(Server.Boot boot) {
        return boot.disk().map(part -> rounded(part.sizeBytes())).orElse(0L);
    }

    /**
     * What a server claims of its node's pool in MiB: its root disk, its rescue disk, and the root
     * disk of its other flavor while it is resized.
     */
    static long mib(Server server) {
        return mibWithoutRescue(server)
                + toMib(server.rescue().map(Server.Rescue::diskBytes).orElse(0L));
    }

    static long mibWithoutRescue(Server server) {
        long other = server.resize().map(resize -> otherBytes(server, resize)).orElse(0L);
        return mib(server.flavor(), server.boot()) + toMib(other);
    }

    /**
     * Of the server's id, and of the disk's number but for the first one; at the end, because nodes
     * name sockets by the ends of ids.
     */
    private static String id(UUID server, long number) {
        return ROOT + server + (number == 0 ? "" : "-" + number);
    }

    /** What a server claims of its node's pool: its disk in MiB, rounded up; 0 = it has none. */
    static long mib(Flavor flavor, Server.Boot boot) {
        return toMib(bytes(flavor, boot));
    }

    private static long toMib(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }

    private static long bytes(Flavor flavor, Server.Boot boot) {
        if (boot.volume()) {
            return 0;
        }
        long wanted = bytes(flavor);
        return wanted > 0 ? wanted : boot.disk().map(part -> rounded(part.sizeBytes())).orElse(0L);
    }

    private static long bytes(Flavor flavor) {
        return (long) flavor.diskGib() << 30;
    }

    private static long rounded(long bytes) {
        return (bytes + UNIT_BYTES - 1) / UNIT_BYTES * UNIT_BYTES;
    }
}
