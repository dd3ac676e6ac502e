package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.time.Instant;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** A public key; the region never keeps a private one. It belongs to a user, not to a project. */
record Keypair(
        String userId,
        String name,
        long number,
        String type,
        String publicKey,
        String fingerprint,
        Instant createdAt) {
    static final Table<Keypair> TABLE = Table.of(Keypair.class, "keypair", "name");

    /** The user's key pair of that name. */
    static Optional<Keypair> find(Handle handle, String user, String name) {
        return TABLE.first(handle, of(user).and(TABLE.is(name)));
    }

    /**
     * The caller's key pair of that name, for a server.
     *
     * @throws ApiException 400 when there is none
     */
    static Keypair named(Handle handle, Actor actor, String name) {
        return find(handle, actor.userId(), name)
                .orElseThrow(() -> ApiException.badRequest("Invalid key_name provided."));
    }

    /** Those of a user. */
    static Where of(String user) {
        return Where.of("user_id = ?", user);
    }
}
