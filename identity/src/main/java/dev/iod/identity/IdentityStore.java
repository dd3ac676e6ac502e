package dev.iod.identity;

import dev.iod.region.Pages;
import dev.iod.rest.ListQuery;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The SQL of projects, users and roles. */
final class IdentityStore {
    /** One user's role on one project. */
    record Assignment(String accountId, String accountName, Project project, Role role) {}

    private static final List<Page.Sort> BY_NAME = List.of(new Page.Sort("name", false));

    private IdentityStore() {}

    // Projects

    static Optional<Project> project(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM project WHERE id = :id")
                .bind("id", id)
                .map(IdentityStore::project)
                .findOne();
    }

    static Optional<Project> projectByName(Handle handle, String name) {
        return handle.createQuery("SELECT * FROM project WHERE name = :name")
                .bind("name", name)
                .map(IdentityStore::project)
                .findOne();
    }

    static Listed<Project> projects(
            Handle handle, ListQuery query, Collection<String> names, Optional<Boolean> enabled) {
        return list("project", names, enabled)
                .page(handle, Pages.of(query), BY_NAME, IdentityStore::project);
    }

    static List<Project> projectsOf(Handle handle, String accountId) {
        return handle.createQuery(
                        "SELECT DISTINCT p.* FROM project p"
                                + " JOIN role_assignment a ON a.project_id = p.id"
                                + " WHERE a.account_id = :account AND p.enabled"
                                + " ORDER BY p.name LIMIT "
                                + ListQuery.MAX_LIMIT)
                .bind("account", accountId)
                .map(IdentityStore::project)
                .list();
    }

    static void insert(Handle handle, Project project) {
        handle.createUpdate(
                        "INSERT INTO project (id, name, description, enabled)"
                                + " VALUES (:id, :name, :description, :enabled)")
                .bind("id", project.id())
                .bind("name", project.name())
                .bind("description", project.description())
                .bind("enabled", project.enabled())
                .execute();
    }

    static void update(Handle handle, Project project) {
        handle.createUpdate(
                        "UPDATE project SET name = :name, description = :description,"
                                + " enabled = :enabled WHERE id = :id")
                .bind("id", project.id())
                .bind("name", project.name())
                .bind("description", project.description())
                .bind("enabled", project.enabled())
                .execute();
    }

    // Users

    static Optional<Account> account(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM account WHERE id = :id")
                .bind("id", id)
                .map(IdentityStore::account)
                .findOne();
    }

    static Optional<Account> accountByName(Handle handle, String name) {
        return handle.createQuery("SELECT * FROM account WHERE name = :name")
                .bind("name", name)
                .map(IdentityStore::account)
                .findOne();
    }

    static Listed<Account> accounts(
            Handle handle, ListQuery query, Collection<String> names, Optional<Boolean> enabled) {
        return list("account", names, enabled)
                .page(handle, Pages.of(query), BY_NAME, IdentityStore::account);
    }

    static void insert(Handle handle, Account account) {
        write(
                handle,
                "INSERT INTO account (id, name, description, email, enabled, default_project_id,"
                        + " password_hash, tokens_valid_from) VALUES (:id, :name, :description, :email,"
                        + " :enabled, :project, :hash, :from)",
                account);
    }

    static void update(Handle handle, Account account) {
        write(
                handle,
                "UPDATE account SET name = :name, description = :description, email = :email,"
                        + " enabled = :enabled, default_project_id = :project,"
                        + " password_hash = :hash, tokens_valid_from = :from WHERE id = :id",
                account);
    }

    private static void write(Handle handle, String sql, Account account) {
        handle.createUpdate(sql)
                .bind("id", account.id())
                .bind("name", account.name())
                .bind("description", account.description())
                .bind("email", account.email())
                .bind("enabled", account.enabled())
                .bind("project", account.defaultProjectId().orElse(null))
                .bind("hash", account.passwordHash().orElse(null))
                .bind("from", account.tokensValidFrom().atOffset(ZoneOffset.UTC))
                .execute();
    }

    // Roles

    static Optional<Role> role(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM role WHERE id = :id")
                .bind("id", id)
                .map(IdentityStore::role)
                .findOne();
    }

    static List<Role> rolesByName(Handle handle, Collection<String> names) {
        return new ListSql("SELECT * FROM role", Map.of("id", "id"))
                .in("name", names)
                .all(handle, "name", IdentityStore::role);
    }

    static Listed<Role> roles(Handle handle, ListQuery query, Collection<String> names) {
        return list("role", names, Optional.empty())
                .page(handle, Pages.of(query), BY_NAME, IdentityStore::role);
    }

    static void insert(Handle handle, Role role) {
        handle.execute(
                "INSERT INTO role (id, name, description) VALUES (?, ?, ?)",
                role.id(),
                role.name(),
                role.description());
    }

    static void update(Handle handle, Role role) {
        handle.execute(
                "UPDATE role SET name = ?, description = ? WHERE id = ?",
                role.name(),
                role.description(),
                role.id());
    }

    /** Deletes a row of one of the three tables; whether there was one. */
    static boolean delete(Handle handle, String table, String id) {
        return handle.execute("DELETE FROM " + table + " WHERE id = ?", id) > 0;
    }

    // Assignments

    /** Directly assigned roles, without implied ones. */
    static List<Role> rolesOn(Handle handle, String accountId, String projectId) {
        return handle.createQuery(
                        "SELECT r.* FROM role r JOIN role_assignment a ON a.role_id = r.id"
                                + " WHERE a.account_id = :account AND a.project_id = :project"
                                + " ORDER BY r.name")
                .bind("account", accountId)
                .bind("project", projectId)
                .map(IdentityStore::role)
                .list();
    }

    static void assign(Handle handle, String accountId, String projectId, String roleId) {
        handle.execute(
                "INSERT INTO role_assignment (account_id, project_id, role_id) VALUES (?, ?, ?)"
                        + " ON CONFLICT DO NOTHING",
                accountId,
                projectId,
                roleId);
    }

    static boolean unassign(Handle handle, String accountId, String projectId, String roleId) {
        return handle.execute(
                        "DELETE FROM role_assignment"
                                + " WHERE account_id = ? AND project_id = ? AND role_id = ?",
                        accountId,
                        projectId,
                        roleId)
                > 0;
    }

    static List<Assignment> assignments(
            Handle handle,
            Collection<String> accounts,
            Collection<String> projects,
            Collection<String> roles) {
        return new ListSql(
                        "SELECT u.id AS account_id, u.name AS account_name,"
                                + " p.id AS project_id, p.name AS project_name,"
                                + " r.id AS role_id, r.name AS role_name FROM role_assignment a"
                                + " JOIN account u ON u.id = a.account_id"
                                + " JOIN project p ON p.id = a.project_id"
                                + " JOIN role r ON r.id = a.role_id",
                        Map.of("id", "u.id"))
                .in("u.id", accounts)
                .in("p.id", projects)
                .in("r.id", roles)
                .all(handle, "u.name, p.name, r.name", IdentityStore::assignment);
    }

    private static ListSql list(String table, Collection<String> names, Optional<Boolean> enabled) {
        ListSql sql =
                new ListSql("SELECT * FROM " + table, Map.of("id", "id", "name", "name"))
                        .in("name", names);
        enabled.ifPresent(value -> sql.where("enabled = ?", value));
        return sql;
    }

    private static Project project(ResultSet row, StatementContext context) throws SQLException {
        return new Project(
                row.getString("id"),
                row.getString("name"),
                row.getString("description"),
                row.getBoolean("enabled"));
    }

    private static Role role(ResultSet row, StatementContext context) throws SQLException {
        return new Role(row.getString("id"), row.getString("name"), row.getString("description"));
    }

    private static Account account(ResultSet row, StatementContext context) throws SQLException {
        Instant from = row.getTimestamp("tokens_valid_from").toInstant();
        return new Account(
                row.getString("id"),
                row.getString("name"),
                row.getString("description"),
                row.getString("email"),
                row.getBoolean("enabled"),
                Optional.ofNullable(row.getString("default_project_id")),
                Optional.ofNullable(row.getString("password_hash")),
                from);
    }

    private static Assignment assignment(ResultSet row, StatementContext context)
            throws SQLException {
        return new Assignment(
                row.getString("account_id"),
                row.getString("account_name"),
                new Project(row.getString("project_id"), row.getString("project_name"), "", true),
                new Role(row.getString("role_id"), row.getString("role_name"), ""));
    }
}
