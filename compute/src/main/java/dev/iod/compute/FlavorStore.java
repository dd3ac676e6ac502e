package dev.iod.compute;

import dev.iod.region.Pages;
import dev.iod.rest.ApiException;
import dev.iod.rest.ListQuery;
import dev.iod.store.Database;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The tables {@code flavor} and {@code flavor_access}. */
final class FlavorStore {
    private static final String VISIBLE =
            "(shared OR EXISTS (SELECT 1 FROM flavor_access a"
                    + " WHERE a.flavor_id = flavor.id AND a.project_id = :project))";

    /** Nova's sort keys and the expressions behind them. */
    private static final Map<String, String> SORT_KEYS =
            Map.of(
                    "flavorid", "id",
                    "id", "id",
                    "name", "name",
                    "memory_mb", "memory_mib",
                    "vcpus", "vcpus",
                    "root_gb", "disk_gib",
                    "ephemeral_gb", "ephemeral_gib",
                    "swap", "swap_mib",
                    "rxtx_factor", "rxtx_factor",
                    "created_at", "created_at");

    private FlavorStore() {}

    /**
     * Which flavors to list.
     *
     * @param project whose flavors, beside the shared ones
     * @param shared only shared or only not shared ones; empty for all, for administrators
     * @param everything whether to list what the project may not use, for administrators
     */
    record Filter(
            String project,
            Optional<Boolean> shared,
            boolean everything,
            long minMemoryMib,
            int minDiskGib) {}

    static Listed<Flavor> list(Handle handle, Filter filter, ListQuery page) {
        ListSql sql =
                new ListSql("SELECT * FROM flavor", SORT_KEYS)
                        .where("memory_mib >= ?", filter.minMemoryMib())
                        .where("disk_gib >= ?", filter.minDiskGib());
        if (!filter.everything()) {
            sql.where("NOT disabled").where(VISIBLE.replace(":project", "?"), filter.project());
        }
        filter.shared().ifPresent(shared -> sql.where(shared ? "shared" : "NOT shared"));
        return sql.page(
                handle, Pages.of(page), List.of(new Page.Sort("id", false)), FlavorStore::map);
    }

    /** A flavor, whoever may use it. */
    static Optional<Flavor> find(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM flavor WHERE id = :id")
                .bind("id", id)
                .map(FlavorStore::map)
                .findOne();
    }

    /** A flavor that the project may use. */
    static Optional<Flavor> usable(Handle handle, String id, String project, boolean admin) {
        return handle.createQuery(
                        "SELECT * FROM flavor WHERE id = :id AND (:admin OR " + VISIBLE + ")")
                .bind("id", id)
                .bind("project", project)
                .bind("admin", admin)
                .map(FlavorStore::map)
                .findOne();
    }

    /**
     * @throws ApiException 409 when the id or the name is taken
     */
    static void insert(Handle handle, Flavor flavor) {
        try {
            handle.createUpdate(
                            "INSERT INTO flavor (id, name, memory_mib, vcpus, disk_gib,"
                                    + " ephemeral_gib, swap_mib, rxtx_factor, shared, description)"
                                    + " VALUES (:id, :name, :memory, :vcpus, :disk, :ephemeral,"
                                    + " :swap, :rxtx, :shared, :description)")
                    .bind("id", flavor.id())
                    .bind("name", flavor.name())
                    .bind("memory", flavor.memoryMib())
                    .bind("vcpus", flavor.vcpus())
                    .bind("disk", flavor.diskGib())
                    .bind("ephemeral", flavor.ephemeralGib())
                    .bind("swap", flavor.swapMib())
                    .bind("rxtx", flavor.rxtxFactor())
                    .bind("shared", flavor.shared())
                    .bind("description", flavor.description())
                    .execute();
        } catch (org.jdbi.v3.core.statement.UnableToExecuteStatementException e) {
            if (Database.violates(e, "flavor_name")) {
                throw ApiException.conflict(
                        "Flavor with name %s already exists.".formatted(flavor.name()));
            }
            if (Database.violates(e, "flavor_pkey")) {
                throw ApiException.conflict(
                        "Flavor with ID %s already exists.".formatted(flavor.id()));
            }
            throw e;
        }
    }

    /** False when there is no such flavor. */
    static boolean delete(Handle handle, String id) {
        return handle.createUpdate("DELETE FROM flavor WHERE id = :id").bind("id", id).execute()
                == 1;
    }

    static void describe(Handle handle, String id, Optional<String> description) {
        handle.createUpdate("UPDATE flavor SET description = :description WHERE id = :id")
                .bind("description", description)
                .bind("id", id)
                .execute();
    }

    static void setProperties(Handle handle, String id, Map<String, String> properties) {
        handle.createUpdate("UPDATE flavor SET properties = CAST(:p AS jsonb) WHERE id = :id")
                .bind("p", Rows.json(properties))
                .bind("id", id)
                .execute();
    }

    /** The projects that may use a flavor that is not shared. */
    static List<String> access(Handle handle, String id) {
        return handle.createQuery(
                        "SELECT project_id FROM flavor_access WHERE flavor_id = :id"
                                + " ORDER BY project_id")
                .bind("id", id)
                .mapTo(String.class)
                .list();
    }

    /** False when the project had access already. */
    static boolean grant(Handle handle, String id, String project) {
        return handle.createUpdate(
                                "INSERT INTO flavor_access (flavor_id, project_id)"
                                        + " VALUES (:id, :project) ON CONFLICT DO NOTHING")
                        .bind("id", id)
                        .bind("project", project)
                        .execute()
                == 1;
    }

    /** False when the project had no access. */
    static boolean revoke(Handle handle, String id, String project) {
        return handle.createUpdate(
                                "DELETE FROM flavor_access"
                                        + " WHERE flavor_id = :id AND project_id = :project")
                        .bind("id", id)
                        .bind("project", project)
                        .execute()
                == 1;
    }

    private static Flavor map(ResultSet row, StatementContext context) throws SQLException {
        return new Flavor(
                row.getString("id"),
                row.getString("name"),
                row.getLong("memory_mib"),
                row.getInt("vcpus"),
                row.getInt("disk_gib"),
                row.getInt("ephemeral_gib"),
                row.getInt("swap_mib"),
                row.getDouble("rxtx_factor"),
                row.getBoolean("shared"),
                row.getBoolean("disabled"),
                Rows.text(row, "description"),
                Rows.map(row, "properties"));
    }
}
