package dev.iod.identity;

import java.time.Instant;
import java.util.Optional;

/** A user; "user" is a reserved word in SQL, so the table and this record say account. */
record Account(
        String id,
        String name,
        String description,
        String email,
        boolean enabled,
        Optional<String> defaultProjectId,
        Optional<String> passwordHash,
        Instant tokensValidFrom) {}
