package dev.iod.region;

import dev.iod.node.JoinRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** One-time tokens with which a node gets its certificate. Only their hashes are kept. */
final class JoinTokens {
    static final Duration LIFETIME = Duration.ofHours(24);

    /** Tokens that are neither used nor expired. */
    static final int MAX_OPEN = 1_000;

    private static final int TOKEN_BYTES = 32;

    private JoinTokens() {}

    /** A new token for a node; older ones of the same node end. Empty when too many are open. */
    static Optional<String> create(Handle handle, String node, Instant now) {
        handle.execute(
                "DELETE FROM join_token WHERE node = ? OR expires_at < ?",
                node,
                now.atOffset(ZoneOffset.UTC));
        int open = handle.createQuery("SELECT count(*) FROM join_token").mapTo(Integer.class).one();
        if (open >= MAX_OPEN) {
            return Optional.empty();
        }
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        handle.execute(
                "INSERT INTO join_token (token_hash, node, expires_at) VALUES (?, ?, ?)",
                hash(token),
                node,
                now.plus(LIFETIME).atOffset(ZoneOffset.UTC));
        return Optional.of(token);
    }

    /** Whether the request's token is good for its node. */
    static boolean good(Handle handle, JoinRequest request, Instant now) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT 1 FROM join_token WHERE token_hash = :hash"
                                + " AND node = :node AND expires_at > :now)")
                .bind("hash", hash(request.getToken()))
                .bind("node", request.getNode())
                .bind("now", now.atOffset(ZoneOffset.UTC))
                .mapTo(Boolean.class)
                .one();
    }

    /** Whether the request's token was good for its node; it is used up by that. */
    static boolean use(Handle handle, JoinRequest request, Instant now) {
        return handle.execute(
                        "DELETE FROM join_token WHERE token_hash = ? AND node = ? AND expires_at > ?",
                        hash(request.getToken()),
                        request.getNode(),
                        now.atOffset(ZoneOffset.UTC))
                > 0;
    }

    private static byte[] hash(String token) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
