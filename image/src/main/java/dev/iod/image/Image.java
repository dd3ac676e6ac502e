package dev.iod.image;

import dev.iod.region.Actor;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * An image: metadata, and a description of its bytes once they are there.
 *
 * @param properties free properties, such as {@code kernel_id}
 */
record Image(
        String id,
        String owner,
        Status status,
        Attributes attributes,
        Optional<Content> content,
        Instant createdAt,
        Instant updatedAt) {

    /** Whether there are bytes. */
    enum Status {
        /** Nothing uploaded. */
        QUEUED,
        /** An upload runs. */
        SAVING,
        /** Complete; the bytes never change again. */
        ACTIVE;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Who sees it. */
    enum Visibility {
        PUBLIC,
        PRIVATE,
        /** Glance's default; without members it is what PRIVATE is. */
        SHARED;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What a user can set. */
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

    /** The bytes; digests in hex. */
    record Content(long sizeBytes, String md5, String sha256, String sha512) {}

    boolean visibleTo(Actor actor) {
        return attributes.visibility() == Visibility.PUBLIC || actor.mayAccess(owner);
    }

    Image with(Attributes other, Instant now) {
        return new Image(id, owner, status, other, content, createdAt, now);
    }

    Image with(Status other, Optional<Content> bytes, Instant now) {
        return new Image(id, owner, other, attributes, bytes, createdAt, now);
    }
}
