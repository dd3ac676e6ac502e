package dev.iod.region;

import dev.iod.node.Hello;
import dev.iod.node.Observed;
import dev.iod.store.Database;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * The tables {@code node} and {@code node_heartbeat}. A node is up from its first report until
 * {@link NodeWatch} finds it silent; only these two turns are written to its row, so whoever reads
 * it is not disturbed by heartbeats, and a restart of the region changes nothing.
 */
public final class Nodes {
    /** A node that was not heard for this long counts as down; it reports every ten seconds. */
    public static final Duration DOWN_AFTER = Duration.ofSeconds(35);

    /** Channel whose payload is the name of a node that was removed or has a new certificate. */
    static final String ADMISSION_CHANNEL = "node_admission";

    private static final String SELECT =
            """
            SELECT n.name, n.encapsulation_address, n.architecture, n.traits, n.up, h.heard_at,
                   coalesce(max(i.total) FILTER (WHERE i.resource_class = 'VCPU'), 0) AS vcpus,
                   coalesce(max(i.total) FILTER (WHERE i.resource_class = 'MEMORY_MB'), 0)
                       AS memory_mib,
                   coalesce(max(i.total) FILTER (WHERE i.resource_class = 'DISK_MB'), 0) AS disk_mib
            FROM node n
            LEFT JOIN node_heartbeat h ON h.node = n.name
            LEFT JOIN resource_provider p ON p.name = n.name
            LEFT JOIN inventory i ON i.provider_id = p.id
            """;

    private static final String GROUPED = " GROUP BY n.name, h.node ORDER BY n.name";

    private Nodes() {}

    /** All nodes by name. */
    public static List<Node> all(Handle handle) {
        return handle.createQuery(SELECT + GROUPED).map(Nodes::map).list();
    }

    /** One node. */
    public static Optional<Node> find(Handle handle, String name) {
        return handle.createQuery(SELECT + " WHERE n.name = :name" + GROUPED)
                .bind("name", name)
                .map(Nodes::map)
                .findOne();
    }

    /**
     * Makes the node known, if it is not.
     *
     * @param certificate the serial number of the only certificate it may show from now on, in
     *     hexadecimal
     */
    static void add(Handle handle, String name, String certificate) {
        handle.execute(
                "INSERT INTO node (name, certificate) VALUES (?, ?)"
                        + " ON CONFLICT (name) DO UPDATE SET certificate = excluded.certificate",
                name,
                certificate);
        Providers.add(handle, name);
        Database.notify(handle, ADMISSION_CHANNEL, name);
    }

    /**
     * Forgets a node, with the tokens made for it; its certificate is worth nothing from then on.
     */
    static boolean remove(Handle handle, String name) {
        handle.execute("DELETE FROM join_token WHERE node = ?", name);
        Database.notify(handle, ADMISSION_CHANNEL, name);
        return handle.execute("DELETE FROM node WHERE name = ?", name) > 0;
    }

    /** Whether a node is known and this is its certificate. */
    static boolean admits(Handle handle, String name, String certificate) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT 1 FROM node WHERE name = :name"
                                + " AND coalesce(certificate, :certificate) = :certificate)")
                .bind("name", name)
                .bind("certificate", certificate)
                .mapTo(Boolean.class)
                .one();
    }

    /**
     * Stores what the node says of itself.
     *
     * @return false when the region does not know it with this certificate
     */
    static boolean describe(Handle handle, String certificate, Hello hello, Instant now) {
        if (!admits(handle, hello.getNode(), certificate)) {
            return false;
        }
        handle.createUpdate(
                        "UPDATE node SET encapsulation_address = :address, architecture ="
                                + " :architecture, traits = :traits, up = true, certificate ="
                                + " :certificate WHERE name = :name AND (encapsulation_address,"
                                + " architecture, traits, up, certificate) IS DISTINCT FROM"
                                + " (:address, :architecture, CAST(:traits AS text[]), true,"
                                + " :certificate)")
                .bind("address", hello.getEncapsulationAddress())
                .bind("architecture", hello.getArchitecture())
                .bindArray("traits", String.class, hello.getTraitsList())
                .bind("certificate", certificate)
                .bind("name", hello.getNode())
                .execute();
        Providers.offer(handle, hello.getNode(), ResourceClass.VCPU, hello.getVcpus());
        Providers.offer(handle, hello.getNode(), ResourceClass.MEMORY_MB, hello.getMemoryMib());
        heard(handle, hello.getNode(), now);
        return true;
    }

    /**
     * Stores that the node was heard, and what it said of itself.
     *
     * @return false when the region does not know it with this certificate
     */
    public static boolean heard(
            Handle handle, String name, String certificate, Observed observed, Instant now) {
        if (!admits(handle, name, certificate)) {
            return false;
        }
        handle.execute("UPDATE node SET up = true WHERE name = ? AND NOT up", name);
        if (observed.hasDiskMib()) {
            Providers.offer(handle, name, ResourceClass.DISK_MB, observed.getDiskMib());
        }
        heard(handle, name, now);
        return true;
    }

    /** Names of the nodes that have said to have a trait. */
    public static Set<String> having(Handle handle, String trait) {
        return handle.createQuery("SELECT name FROM node WHERE :trait = ANY(traits)")
                .bind("trait", trait)
                .mapTo(String.class)
                .set();
    }

    /** Those that were up and have not been heard since {@code then} are down; their names. */
    static List<String> silentSince(Handle handle, Instant then) {
        return handle.createQuery(
                        "UPDATE node SET up = false WHERE up AND NOT EXISTS (SELECT 1 FROM"
                                + " node_heartbeat h WHERE h.node = name AND h.heard_at >= :then)"
                                + " RETURNING name")
                .bind("then", then.atOffset(ZoneOffset.UTC))
                .mapTo(String.class)
                .list();
    }

    private static void heard(Handle handle, String name, Instant now) {
        handle.execute(
                "INSERT INTO node_heartbeat (node, heard_at) VALUES (?, ?)"
                        + " ON CONFLICT (node) DO UPDATE SET heard_at = excluded.heard_at",
                name,
                now.atOffset(ZoneOffset.UTC));
    }

    private static Node map(ResultSet row, StatementContext context) throws SQLException {
        return new Node(
                row.getString("name"),
                row.getInt("vcpus"),
                row.getLong("memory_mib"),
                row.getLong("disk_mib"),
                row.getString("encapsulation_address"),
                row.getString("architecture"),
                Rows.texts(row, "traits"),
                Rows.optionalTime(row, "heard_at"),
                row.getBoolean("up"));
    }
}
