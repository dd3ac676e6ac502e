package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.region.Pages;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The table {@code network}. */
final class NetworkStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id::text",
                    "name", "name",
                    "mtu", "mtu_bytes",
                    "created_at", "created_at",
                    "project_id", "project_id",
                    "tenant_id", "project_id",
                    // A constant that PostgreSQL does not take for a column's number.
                    "status", "'ACTIVE'::text");

    private static final Filters FILTERS =
            Filters.common()
                    .flag("admin_state_up", "admin_state_up")
                    .flag("port_security_enabled", "port_security_enabled")
                    .constant("status", "ACTIVE")
                    .add("shared", NetworkStore::never)
                    .add("router:external", NetworkStore::never)
                    .add("is_default", NetworkStore::never)
                    .add("mtu", (sql, values) -> sql.in("mtu_bytes::text", values))
                    .constant("provider:network_type", NetworkResource.NETWORK_TYPE)
                    .add(
                            "provider:segmentation_id",
                            (sql, values) -> sql.in("segmentation_id::text", values));

    private NetworkStore() {}

    static void insert(Handle handle, Network network) {
        TunnelKeys.execute(
                handle.createUpdate(
                                "INSERT INTO network (id, project_id, name, description,"
                                        + " admin_state_up, mtu_bytes, port_security_enabled) VALUES"
                                        + " (:id, :project, :name, :description, :up, :mtu, :security)")
                        .bind("id", network.id())
                        .bind("project", network.projectId())
                        .bind("name", network.name())
                        .bind("description", network.description())
                        .bind("up", network.adminStateUp())
                        .bind("mtu", network.mtuBytes())
                        .bind("security", network.portSecurityEnabled()));
    }

    /** Makes everybody else wait who would take addresses on the network. */
    static void lock(Handle handle, UUID id) {
        handle.execute("UPDATE network SET revision = revision WHERE id = ?", id);
    }

    static Optional<Network> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM network_row WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The network if the caller may see it; 404 otherwise. */
    static Network require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(network -> actor.mayAccess(network.projectId()))
                .orElseThrow(() -> Neutron.networkNotFound(id));
    }

    static Listed<Network> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM network_row", SORT_COLUMNS);
        if (!actor.isAdmin()) {
            sql.where("project_id = ?", actor.projectId());
        }
        FILTERS.apply(sql, query);
        return sql.page(
                handle,
                Pages.of(list),
                List.of(new Page.Sort("created_at", false)),
                (row, context) -> map(row));
    }

    /** The first two networks of a project: enough to know whether it has exactly one. */
    static List<Network> ofProject(Handle handle, String projectId) {
        return handle.createQuery(
                        "SELECT * FROM network_row WHERE project_id = :project ORDER BY id LIMIT 2")
                .bind("project", projectId)
                .map((row, context) -> map(row))
                .list();
    }

    static List<Network> byIds(Handle handle, Collection<UUID> ids) {
        return handle.createQuery(
                        "SELECT * FROM network_row WHERE id ="
                                + " ANY(string_to_array(:ids, ',')::uuid[])")
                .bind("ids", Rows.joined(ids))
                .map((row, context) -> map(row))
                .list();
    }

    static List<Network> all(Handle handle) {
        return handle.createQuery("SELECT * FROM network_row")
                .map((row, context) -> map(row))
                .list();
    }

    static void update(Handle handle, Network network) {
        handle.createUpdate(
                        "UPDATE network SET name = :name, description = :description,"
                                + " admin_state_up = :up, mtu_bytes = :mtu,"
                                + " port_security_enabled = :security, revision = revision + 1,"
                                + " updated_at = now() WHERE id = :id")
                .bind("id", network.id())
                .bind("name", network.name())
                .bind("description", network.description())
                .bind("up", network.adminStateUp())
                .bind("mtu", network.mtuBytes())
                .bind("security", network.portSecurityEnabled())
                .execute();
    }

    /** Deletes the network with its subnets; its ports have to be gone. */
    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM network WHERE id = :id").bind("id", id).execute();
    }

    private static void never(ListSql sql, List<String> values) {
        if (values.stream().noneMatch(value -> !Filters.flag(value))) {
            sql.where("false");
        }
    }

    private static Network map(ResultSet row) throws SQLException {
        return new Network(
                Rows.id(row, "id"),
                row.getString("project_id"),
                row.getString("name"),
                row.getString("description"),
                row.getBoolean("admin_state_up"),
                row.getInt("mtu_bytes"),
                row.getBoolean("port_security_enabled"),
                row.getInt("segmentation_id"),
                Rows.texts(row, "subnets").stream().map(UUID::fromString).toList(),
                Stamp.of(row));
    }
}
