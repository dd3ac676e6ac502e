package dev.iod.identity;

import dev.iod.rest.ListQuery;
import dev.iod.store.ListSql;
import dev.iod.store.Where;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** Which user has which role on which project: the table {@code role_assignment}. */
final class Assignments {
    /** One user's role on one project. */
    record Assignment(
            String accountId,
            String accountName,
            String projectId,
            String projectName,
            String roleId,
            String roleName) {}

    private static final String SELECT =
            "SELECT u.id AS account_id, u.name AS account_name, p.id AS project_id,"
                    + " p.name AS project_name, r.id AS role_id, r.name AS role_name"
                    + " FROM role_assignment a JOIN account u ON u.id = a.account_id"
                    + " JOIN project p ON p.id = a.project_id JOIN role r ON r.id = a.role_id";

    private Assignments() {}

    /** Those of which the columns of {@code u}, {@code p} and {@code r} meet the conditions. */
    static List<Assignment> list(Handle handle, Where where) {
        return new ListSql(SELECT, Map.of("id", "u.id"))
                .where(where)
                .all(handle, "u.name, p.name, r.name", ConstructorMapper.of(Assignment.class));
    }

    /** Directly assigned roles, without implied ones. */
    static List<Role> rolesOn(Handle handle, String accountId, String projectId) {
        return handle.createQuery(
                        "SELECT r.* FROM role r JOIN role_assignment a ON a.role_id = r.id"
                                + " WHERE a.account_id = :account AND a.project_id = :project"
                                + " ORDER BY r.name")
                .bind("account", accountId)
                .bind("project", projectId)
                .map(Role.TABLE.mapper())
                .list();
    }

    /** The enabled projects on which a user has a role, by name. */
    static List<Project> projectsOf(Handle handle, String accountId) {
        return handle.createQuery(
                        "SELECT DISTINCT p.* FROM project p"
                                + " JOIN role_assignment a ON a.project_id = p.id"
                                + " WHERE a.account_id = :account AND p.enabled"
                                + " ORDER BY p.name LIMIT "
                                + ListQuery.MAX_LIMIT)
                .bind("account", accountId)
                .map(Project.TABLE.mapper())
                .list();
    }

    /** Gives a user a role; nothing happens if it is there. */
    static void assign(Handle handle, String accountId, String projectId, String roleId) {
        handle.execute(
                "INSERT INTO role_assignment (account_id, project_id, role_id) VALUES (?, ?, ?)"
                        + " ON CONFLICT DO NOTHING",
                accountId,
                projectId,
                roleId);
    }

    /** Takes a role away; false when it was not there. */
    static boolean unassign(Handle handle, String accountId, String projectId, String roleId) {
        return handle.execute(
                        "DELETE FROM role_assignment"
                                + " WHERE account_id = ? AND project_id = ? AND role_id = ?",
                        accountId,
                        projectId,
                        roleId)
                > 0;
    }
}
