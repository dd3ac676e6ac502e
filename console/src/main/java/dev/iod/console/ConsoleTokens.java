package dev.iod.console;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/**
 * One-time tokens: 122 random bits as a UUID, like Nova's, of which only the SHA-256 is kept. One
 * is good for one console of one server, once, for {@link #LIFETIME}.
 */
final class ConsoleTokens {
    /** Nova's standard. */
    static final Duration LIFETIME = Duration.ofSeconds(600);

    /** Of one server that can be used at a time; beyond it the oldest goes. */
    static final int MAX_OF_SERVER = 32;

    private static final String COLUMNS = "server_id, kind, project_id, user_id";

    private final Clock clock;

    ConsoleTokens(Clock clock) {
        this.clock = clock;
    }

    /** What a token is good for, and who asked for it. */
    record Grant(UUID server, ConsoleType type, String project, String user) {}

    /** A new token. */
    String issue(Handle handle, Actor actor, UUID server, String project, ConsoleType type) {
        Instant now = clock.instant();
        String token = UUID.randomUUID().toString();
        handle.execute(
                "INSERT INTO console_token (hash, "
                        + COLUMNS
                        + ", request_id, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                hash(token),
                server,
                type.text(),
                project,
                actor.userId(),
                actor.requestId(),
                now.plus(LIFETIME).atOffset(ZoneOffset.UTC));
        handle.execute(
                "DELETE FROM console_token WHERE server_id = ? AND number <= (SELECT number FROM"
                        + " console_token WHERE server_id = ? ORDER BY number DESC OFFSET ? LIMIT 1)",
                server,
                server,
                MAX_OF_SERVER);
        Audit.record(handle, actor, "issue " + type.text() + " console", server.toString());
        return token;
    }

    /** What a token is good for; empty when it is not (any more). */
    Optional<Grant> find(Handle handle, String token) {
        return grant(
                handle.createQuery(
                                "SELECT "
                                        + COLUMNS
                                        + " FROM console_token WHERE hash = :hash AND used_at IS NULL"
                                        + " AND expires_at > :now")
                        .bind("hash", hash(token))
                        .bind("now", clock.instant().atOffset(ZoneOffset.UTC)));
    }

    /** The same, and uses it up. */
    Optional<Grant> use(Handle handle, String token, String requestId) {
        Optional<Grant> grant =
                grant(
                        handle.createQuery(
                                        "UPDATE console_token SET used_at = :now WHERE hash = :hash"
                                                + " AND used_at IS NULL AND expires_at > :now RETURNING "
                                                + COLUMNS)
                                .bind("hash", hash(token))
                                .bind("now", clock.instant().atOffset(ZoneOffset.UTC)));
        grant.ifPresent(
                used ->
                        Audit.record(
                                handle,
                                new Actor(
                                        requestId,
                                        used.user(),
                                        Optional.of(used.project()),
                                        Set.of()),
                                "use " + used.type().text() + " console",
                                used.server().toString()));
        return grant;
    }

    /** Makes a token good again whose console could not be opened, until it expires. */
    void giveBack(Handle handle, String token) {
        handle.execute("UPDATE console_token SET used_at = NULL WHERE hash = ?", hash(token));
    }

    /** Forgets those that have expired. */
    void purge(Handle handle) {
        handle.execute(
                "DELETE FROM console_token WHERE expires_at < ?",
                clock.instant().atOffset(ZoneOffset.UTC));
    }

    private static Optional<Grant> grant(Query query) {
        return query.map(
                        (row, context) ->
                                new Grant(
                                        row.getObject("server_id", UUID.class),
                                        ConsoleType.of(row.getString("kind")).orElseThrow(),
                                        row.getString("project_id"),
                                        row.getString("user_id")))
                .findOne();
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
