package dev.iod.compute;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The table {@code server_group}. */
final class ServerGroupStore {
    private ServerGroupStore() {}

    /**
     * Servers that are to be together or apart.
     *
     * @param maxPerNode how many members a node may have under anti-affinity, if not one
     */
    record ServerGroup(
            UUID id,
            String projectId,
            String userId,
            String name,
            GroupPolicy policy,
            Optional<Integer> maxPerNode) {

        Scheduler.GroupRule rule() {
            return new Scheduler.GroupRule(policy, maxPerNode.orElse(1));
        }
    }

    /**
     * The groups of a project, oldest first.
     *
     * @param project empty for those of all projects
     */
    static List<ServerGroup> list(Handle handle, Optional<String> project, int offset, int limit) {
        return handle.createQuery(
                        "SELECT * FROM server_group WHERE (:all OR project_id = :project)"
                                + " ORDER BY created_at, id LIMIT :limit OFFSET :offset")
                .bind("all", project.isEmpty())
                .bind("project", project.orElse(""))
                .bind("limit", limit)
                .bind("offset", offset)
                .map(ServerGroupStore::map)
                .list();
    }

    static Optional<ServerGroup> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM server_group WHERE id = :id")
                .bind("id", id)
                .map(ServerGroupStore::map)
                .findOne();
    }

    static void insert(Handle handle, ServerGroup group) {
        handle.createUpdate(
                        "INSERT INTO server_group (id, project_id, user_id, name, policy,"
                                + " max_per_node)"
                                + " VALUES (:id, :project, :user, :name, :policy, :max)")
                .bind("id", group.id())
                .bind("project", group.projectId())
                .bind("user", group.userId())
                .bind("name", group.name())
                .bind("policy", group.policy().text())
                .bind("max", group.maxPerNode())
                .execute();
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM server_group WHERE id = :id").bind("id", id).execute();
    }

    /** The ids of a group's members, oldest first. */
    static List<UUID> members(Handle handle, UUID id) {
        return handle.createQuery("SELECT id FROM server WHERE group_id = :id ORDER BY number")
                .bind("id", id)
                .map((row, context) -> Rows.uuid(row, "id"))
                .list();
    }

    private static ServerGroup map(ResultSet row, StatementContext context) throws SQLException {
        int max = row.getInt("max_per_node");
        return new ServerGroup(
                Rows.uuid(row, "id"),
                row.getString("project_id"),
                row.getString("user_id"),
                row.getString("name"),
                GroupPolicy.of(row.getString("policy")),
                max == 0 ? Optional.empty() : Optional.of(max));
    }
}
