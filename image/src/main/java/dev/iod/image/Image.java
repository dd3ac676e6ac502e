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
 * @param lastImport empty for an image that was never imported
 */
record Image(
        String id,
        String owner,
        Status status,
        Attributes attributes,
        Optional<Content> content,
        Optional<String> file,
        Optional<Import> lastImport,
        Instant createdAt,
        Instant updatedAt) {

    /** Whether there are bytes. */
    enum Status {
        /** Nothing uploaded. */
        QUEUED,
        /** An upload runs. */
        SAVING,
        /** Bytes are being staged, or are: then their content is there. */
        UPLOADING,
        /** An import runs. */
        IMPORTING,
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

    /**
     * An import of it.
     *
     * @param failed whether it has; one that has not, of an image that is not importing, succeeded
     */
    record Import(String task, boolean failed) {}

    /** Whether the bytes are there for everybody who sees the image. */
    boolean complete() {
        return switch (status) {
            case QUEUED, SAVING, UPLOADING, IMPORTING -> false;
            case ACTIVE, DEACTIVATED -> true;
        };
    }

    Image with(Attributes other, Instant now) {
        return new Image(id, owner, status, other, content, file, lastImport, createdAt, now);
    }

    Image with(Status other, Instant now) {
        return new Image(id, owner, other, attributes, content, file, lastImport, createdAt, now);
    }

    /** Without bytes. */
    Image queued(Instant now) {
        return with(Status.QUEUED, Optional.empty(), Optional.empty(), lastImport, now);
    }

    /**
     * While an upload writes that file.
     *
     * @param waiting SAVING or UPLOADING
     */
    Image waiting(Status waiting, String upload, Instant now) {
        return with(waiting, Optional.empty(), Optional.of(upload), lastImport, now);
    }

    /** With the bytes that were staged. */
    Image staged(Content bytes, Instant now) {
        return with(Status.UPLOADING, Optional.of(bytes), file, lastImport, now);
    }

    /** While a task makes its bytes of that file. */
    Image importing(String upload, String task, Instant now) {
        return with(
                Status.IMPORTING,
                content,
                Optional.of(upload),
                Optional.of(new Import(task, false)),
                now);
    }

    /** Without bytes, because its import failed. */
    Image failed(Instant now) {
        return with(
                Status.QUEUED,
                Optional.empty(),
                Optional.empty(),
                lastImport.map(last -> new Import(last.task(), true)),
                now);
    }

    /** With the bytes that the upload wrote. */
    Image active(Content bytes, Instant now) {
        return with(Status.ACTIVE, Optional.of(bytes), file, lastImport, now);
    }

    private Image with(
            Status other,
            Optional<Content> bytes,
            Optional<String> upload,
            Optional<Import> imported,
            Instant now) {
        return new Image(id, owner, other, attributes, bytes, upload, imported, createdAt, now);
    }
}
