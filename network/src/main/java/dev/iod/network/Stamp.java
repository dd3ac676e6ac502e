package dev.iod.network;

import java.time.Instant;

/** When a row was made and changed; {@code revision} is raised by every change. */
public record Stamp(Instant createdAt, Instant updatedAt, long revision) {}
