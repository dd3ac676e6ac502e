package dev.iod.compute;

import dev.iod.store.Table;
import java.time.Instant;

/** A public key; the region never keeps a private one. It belongs to a user, not to a project. */
record Keypair(
        String userId,
        String name,
        long number,
        String type,
        String publicKey,
        String fingerprint,
        Instant createdAt) {
    static final Table<Keypair> TABLE = Table.of(Keypair.class, "keypair", "user_id", "name");
}
