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

/** The table {@code router}. */
final class RouterStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id::text",
                    "name", "name",
                    "admin_state_up", "admin_state_up",
                    "created_at", "created_at",
                    "project_id", "project_id",
                    "tenant_id", "project_id",
                    // A constant that PostgreSQL does not take for a column's number.
                    "status", "'ACTIVE'::text");

    private static final Filters FILTERS =
            Filters.common().flag("admin_state_up", "admin_state_up").constant("status", "ACTIVE");

    private RouterStore() {}

    static void insert(Handle handle, Router router) {
        TunnelKeys.execute(
                handle.createUpdate(
                                "INSERT INTO router (id, project_id, name, description,"
                                        + " admin_state_up) VALUES (:id, :project, :name,"
                                        + " :description, :up)")
                        .bind("id", router.id())
                        .bind("project", router.projectId())
                        .bind("name", router.name())
                        .bind("description", router.description())
                        .bind("up", router.adminStateUp()));
    }

    static Optional<Router> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM router WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The router if the caller may see it; 404 otherwise. */
    static Router require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(router -> actor.mayAccess(router.projectId()))
                .orElseThrow(() -> Neutron.routerNotFound(id));
    }

    static Listed<Router> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM router", SORT_COLUMNS);
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

    static List<Router> byIds(Handle handle, Collection<UUID> ids) {
        return handle.createQuery(
                        "SELECT * FROM router WHERE id = ANY(string_to_array(:ids, ',')::uuid[])")
                .bind("ids", Rows.joined(ids))
                .map((row, context) -> map(row))
                .list();
    }

    static List<Router> all(Handle handle) {
        return handle.createQuery("SELECT * FROM router").map((row, context) -> map(row)).list();
    }

    static void update(Handle handle, Router router) {
        handle.createUpdate(
                        "UPDATE router SET name = :name, description = :description,"
                                + " admin_state_up = :up, revision = revision + 1,"
                                + " updated_at = now() WHERE id = :id")
                .bind("id", router.id())
                .bind("name", router.name())
                .bind("description", router.description())
                .bind("up", router.adminStateUp())
                .execute();
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM router WHERE id = :id").bind("id", id).execute();
    }

    private static Router map(ResultSet row) throws SQLException {
        return new Router(
                Rows.id(row, "id"),
                row.getString("project_id"),
                row.getString("name"),
                row.getString("description"),
                row.getBoolean("admin_state_up"),
                row.getInt("tunnel_key"),
                Stamp.of(row));
    }
}
