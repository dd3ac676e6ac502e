package dev.iod.region;

import dev.iod.node.Hello;
import dev.iod.node.Observed;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The table of nodes. */
public final class Nodes {
    /** A node that was not heard for this long counts as down; it reports every ten seconds. */
    public static final Duration DOWN_AFTER = Duration.ofSeconds(35);

    private static final String SELECT =
            "SELECT name, vcpus, memory_mib, disk_mib, encapsulation_address, architecture, traits, heartbeat_at,"
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

    /** Makes the node known; nothing happens if it is. */
    static void add(Handle handle, String name) {
        handle.execute("INSERT INTO node (name) VALUES (?) ON CONFLICT DO NOTHING", name);
    }

    static boolean remove(Handle handle, String name) {
        return handle.execute("DELETE FROM node WHERE name = ?", name) > 0;
    }

    /** Stores what the node says of itself; false when the region does not know it. */
    static boolean describe(Handle handle, Hello hello, Instant now) {
        return handle.createUpdate(
                                "UPDATE node SET vcpus = :vcpus, memory_mib = :memory,"
                                        + " encapsulation_address = :address,"
                                        + " architecture = :architecture, traits = :traits,"
                                        + " heartbeat_at = :now WHERE name = :name")
                        .bind("vcpus", hello.getVcpus())
                        .bind("memory", hello.getMemoryMib())
                        .bind("address", hello.getEncapsulationAddress())
                        .bind("architecture", hello.getArchitecture())
                        .bindArray("traits", String.class, hello.getTraitsList())
                        .bind("now", now.atOffset(ZoneOffset.UTC))
                        .bind("name", hello.getNode())
                        .execute()
                > 0;
    }

    /** Stores that the node was heard, and what it said of itself. */
    static void heard(Handle handle, String name, Observed observed, Instant now) {
        handle.execute(
                "UPDATE node SET heartbeat_at = ?, received_revision = ?,"
                        + " disk_mib = coalesce(?, disk_mib) WHERE name = ?",
                now.atOffset(ZoneOffset.UTC),
                observed.getGoalRevision(),
                observed.hasDiskMib() ? observed.getDiskMib() : null,
                name);
    }

    private static Node map(ResultSet row, StatementContext context) throws SQLException {
        return new Node(
                row.getString("name"),
                row.getInt("vcpus"),
                row.getLong("memory_mib"),
                row.getLong("disk_mib"),
                row.getString("encapsulation_address"),
                row.getString("architecture"),
                List.of((String[]) row.getArray("traits").getArray()),
                Optional.ofNullable(row.getTimestamp("heartbeat_at")).map(Timestamp::toInstant),
                row.getBoolean("up"));
    }
}
