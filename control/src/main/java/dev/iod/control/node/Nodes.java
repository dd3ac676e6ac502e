package dev.iod.control.node;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The table of nodes. */
public final class Nodes {
    /** A node that was not heard for this long counts as down; it reports every ten seconds. */
    public static final Duration DOWN_AFTER = Duration.ofSeconds(35);

    private static final String SELECT =
            "SELECT name, vcpus, memory_mib, encapsulation_address, architecture, traits, heartbeat_at,"
                    + " coalesce(heartbeat_at > now() - interval '"
                    + DOWN_AFTER.toSeconds()
                    + " seconds', false) AS up FROM node";

    private Nodes() {}

    /** All nodes by name. */
    public static List<Node> all(Handle handle) {
        return handle.createQuery(SELECT + " ORDER BY name").map(Nodes::map).list();
    }

    /** One node. */
    public static Optional<Node> find(Handle handle, String name) {
        return handle.createQuery(SELECT + " WHERE name = :name")
                .bind("name", name)
                .map(Nodes::map)
                .findOne();
    }

    private static Node map(ResultSet row, StatementContext context) throws SQLException {
        return new Node(
                row.getString("name"),
                row.getInt("vcpus"),
                row.getLong("memory_mib"),
                row.getString("encapsulation_address"),
                row.getString("architecture"),
                List.of((String[]) row.getArray("traits").getArray()),
                Optional.ofNullable(row.getTimestamp("heartbeat_at")).map(Timestamp::toInstant),
                row.getBoolean("up"));
    }
}
