package dev.iod.compute;

import dev.iod.region.Pages;
import dev.iod.rest.ApiException;
import dev.iod.rest.ListQuery;
import dev.iod.store.Database;
import dev.iod.store.ListSql;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** The table {@code keypair}; keys belong to users, not to projects. */
final class KeypairStore {
    private KeypairStore() {}

    /** A public key; the region never keeps a private one. */
    record Keypair(
            String userId,
            String name,
            long number,
            String type,
            String publicKey,
            String fingerprint,
            Instant created) {}

    static List<Keypair> list(Handle handle, String user, ListQuery page) {
        return new ListSql("SELECT * FROM keypair", Map.of("id", "name"))
                .where("user_id = ?", user)
                .page(handle, Pages.of(page), List.of(), KeypairStore::map);
    }

    static Optional<Keypair> find(Handle handle, String user, String name) {
        return handle.createQuery("SELECT * FROM keypair WHERE user_id = :user AND name = :name")
                .bind("user", user)
                .bind("name", name)
                .map(KeypairStore::map)
                .findOne();
    }

    static long count(Handle handle, String user) {
        return handle.createQuery("SELECT count(*) FROM keypair WHERE user_id = :user")
                .bind("user", user)
                .mapTo(Long.class)
                .one();
    }

    /**
     * @throws ApiException 409 when the user has a key of that name
     */
    static Keypair insert(
            Handle handle,
            String user,
            String name,
            String type,
            String publicKey,
            String fingerprint) {
        try {
            return handle.createQuery(
                            "INSERT INTO keypair (user_id, name, type, public_key, fingerprint)"
                                    + " VALUES (:user, :name, :type, :key, :fingerprint)"
                                    + " RETURNING *")
                    .bind("user", user)
                    .bind("name", name)
                    .bind("type", type)
                    .bind("key", publicKey)
                    .bind("fingerprint", fingerprint)
                    .map(KeypairStore::map)
                    .one();
        } catch (UnableToExecuteStatementException e) {
            if (Database.violates(e, "keypair_pkey")) {
                throw ApiException.conflict("Key pair '%s' already exists.".formatted(name));
            }
            throw e;
        }
    }

    static boolean delete(Handle handle, String user, String name) {
        return handle.createUpdate("DELETE FROM keypair WHERE user_id = :user AND name = :name")
                        .bind("user", user)
                        .bind("name", name)
                        .execute()
                == 1;
    }

    private static Keypair map(ResultSet row, StatementContext context) throws SQLException {
        return new Keypair(
                row.getString("user_id"),
                row.getString("name"),
                row.getLong("number"),
                row.getString("type"),
                row.getString("public_key"),
                row.getString("fingerprint"),
                Rows.time(row, "created_at"));
    }
}
