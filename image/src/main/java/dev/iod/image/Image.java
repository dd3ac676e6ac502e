package dev.iod.image;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An image: metadata, and a description of its bytes once they are there.
 *
 * @param file of the bytes, or of those that are being uploaded; each upload has one of its own, so
 *     it says which upload an image is made of
 */
record Image(
        String id,
        String owner,
        Status status,
        Attributes attributes,
        Optional<Content> content,
        Optional<String> file,
        Instant createdAt,
        Instant updatedAt) {

    /** Whether there are bytes. */
    enum Status {
        /** Nothing uploaded. */
        QUEUED,
        /** An upload runs. */
        SAVING,
        /** Complete; the bytes never change again. */
        ACTIVE,
        /** Complete, and only administrators may read the bytes; nothing boots from it. */
        DEACTIVATED;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Who sees it. */
    enum Visibility {
        PUBLIC,
        PRIVATE,
        /** Glance's default: its owner and the image's members. */
        SHARED,
        /** Everybody, and it is in the lists of those who ask for such. */
        COMMUNITY;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a user can set.
     *
     * @param properties free properties, such as {@code kernel_id}
     */
    record Attributes(
            String name,
            Visibility visibility,
            boolean isProtected,
            boolean hidden,
            Optional<String> diskFormat,
            Optional<String> containerFormat,
            long minDiskGib,
            long minRamMib,
            List<String> tags,
            Map<String, String> properties) {
        Attributes {
            tags = List.copyOf(tags);
            properties = Map.copyOf(properties);
        }
    }

    /**
     * The bytes, as they were uploaded; digests in hex.
     *
     * @param virtualBytes size of the disk in them, if they are known to hold one
     * @param disk what was made of them for servers; empty when they are that themselves, or no
     *     disk
     */
    record Content(
            long sizeBytes,
            String md5,
            String sha256,
            String sha512,
            OptionalLong virtualBytes,
            Optional<Disk> disk) {

        /** What it takes of the region's disk. */
        long storedBytes() {
            return sizeBytes + disk.map(Disk::storedBytes).orElse(0L);
        }
    }

    /**
     * A raw disk that was made of the bytes.
     *
     * @param sha256 of all its bytes, zeros too; hex
     * @param storedBytes what its file takes, without its holes
     */
    record Disk(long sizeBytes, String sha256, long storedBytes) {}

    /** Whether the bytes are there. */
    boolean complete() {
        return switch (status) {
            case QUEUED, SAVING -> false;
            case ACTIVE, DEACTIVATED -> true;
        };
    }

    Image with(Attributes other, Instant now) {
        return new Image(id, owner, status, other, content, file, createdAt, now);
    }

    Image with(Status other, Instant now) {
        return new Image(id, owner, other, attributes, content, file, createdAt, now);
    }

    /** Without bytes. */
    Image queued(Instant now) {
        return new Image(
                id,
                owner,
                Status.QUEUED,
                attributes,
                Optional.empty(),
                Optional.empty(),
                createdAt,
                now);
    }

    /** While an upload writes that file. */
    Image saving(String upload, Instant now) {
        return new Image(
                id,
                owner,
                Status.SAVING,
                attributes,
                Optional.empty(),
                Optional.of(upload),
                createdAt,
                now);
    }

    /** With the bytes that the upload wrote. */
    Image active(Content bytes, Instant now) {
        return new Image(
                id, owner, Status.ACTIVE, attributes, Optional.of(bytes), file, createdAt, now);
    }
}
