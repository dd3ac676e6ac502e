package dev.iod.network;

import static java.util.stream.Collectors.groupingBy;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The table {@code security_group}; its rules are read by {@link RuleStore}. */
final class SecurityGroupStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id::text",
                    "name", "name",
                    "created_at", "created_at",
                    "project_id", "project_id",
                    "tenant_id", "project_id");

    private static final Filters FILTERS = Filters.common().constant("shared", "false");

    private SecurityGroupStore() {}

    static void insert(Handle handle, SecurityGroup group) {
        handle.createUpdate(
                        "INSERT INTO security_group (id, project_id, name, description)"
                                + " VALUES (:id, :project, :name, :description)")
                .bind("id", group.id())
                .bind("project", group.projectId())
                .bind("name", group.name())
                .bind("description", group.description())
                .execute();
    }

    static Optional<UUID> findDefault(Handle handle, String projectId) {
        return handle.createQuery(
                        "SELECT id FROM security_group WHERE project_id = :project"
                                + " AND name = 'default'")
                .bind("project", projectId)
                .mapTo(UUID.class)
                .findOne();
    }

    /** The group if the caller may see it; 404 otherwise. */
    static SecurityGroup require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(group -> actor.mayAccess(group.projectId()))
                .orElseThrow(() -> Neutron.securityGroupNotFound(id));
    }

    static Optional<SecurityGroup> find(Handle handle, UUID id) {
        return byIds(handle, List.of(id)).stream().findFirst();
    }

    static List<SecurityGroup> byIds(Handle handle, Collection<UUID> ids) {
        List<SecurityGroup> found =
                handle.createQuery(
                                "SELECT * FROM security_group WHERE id ="
                                        + " ANY(string_to_array(:ids, ',')::uuid[])")
                        .bind("ids", Rows.joined(ids))
                        .map((row, context) -> map(row))
                        .list();
        return withRules(handle, found);
    }

    /** Those of a project by name, as many as a list has at most. */
    static List<SecurityGroup> ofProject(Handle handle, String projectId) {
        List<SecurityGroup> found =
                handle.createQuery(
                                "SELECT * FROM security_group WHERE project_id = :project"
                                        + " ORDER BY name, id LIMIT :most")
                        .bind("project", projectId)
                        .bind("most", ListQuery.MAX_LIMIT)
                        .map((row, context) -> map(row))
                        .list();
        return withRules(handle, found);
    }

    /** Groups of a project whose name is exactly this. */
    static List<UUID> named(Handle handle, String projectId, String name) {
        return handle.createQuery(
                        "SELECT id FROM security_group WHERE project_id = :project AND name = :name"
                                + " ORDER BY id LIMIT 2")
                .bind("project", projectId)
                .bind("name", name)
                .mapTo(UUID.class)
                .list();
    }

    static Listed<SecurityGroup> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM security_group", SORT_COLUMNS);
        if (!actor.isAdmin()) {
            sql.where("project_id = ?", actor.projectId());
        }
        FILTERS.apply(sql, query);
        Listed<SecurityGroup> page =
                sql.page(
                        handle,
                        Pages.of(list),
                        List.of(new Page.Sort("created_at", false)),
                        (row, context) -> map(row));
        return new Listed<>(withRules(handle, page.rows()), page.more());
    }

    static Map<UUID, String> names(Handle handle, Collection<UUID> ids) {
        return handle.createQuery(
                        "SELECT id, name FROM security_group WHERE id ="
                                + " ANY(string_to_array(:ids, ',')::uuid[])")
                .bind("ids", Rows.joined(ids))
                .reduceRows(
                        new HashMap<UUID, String>(),
                        (names, row) -> {
                            names.put(
                                    row.getColumn("id", UUID.class),
                                    row.getColumn("name", String.class));
                            return names;
                        });
    }

    static List<SecurityGroup> all(Handle handle) {
        List<SecurityGroup> groups =
                handle.createQuery("SELECT * FROM security_group")
                        .map((row, context) -> map(row))
                        .list();
        return withRules(groups, RuleStore.all(handle));
    }

    static void update(Handle handle, UUID id, String name, String description) {
        handle.createUpdate(
                        "UPDATE security_group SET name = :name, description = :description,"
                                + " revision = revision + 1, updated_at = now() WHERE id = :id")
                .bind("id", id)
                .bind("name", name)
                .bind("description", description)
                .execute();
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM security_group WHERE id = :id").bind("id", id).execute();
    }

    static boolean inUse(Handle handle, UUID id) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT 1 FROM port_security_group"
                                + " WHERE security_group_id = :id)")
                .bind("id", id)
                .mapTo(Boolean.class)
                .one();
    }

    private static List<SecurityGroup> withRules(Handle handle, List<SecurityGroup> groups) {
        List<UUID> ids = groups.stream().map(SecurityGroup::id).toList();
        return withRules(groups, RuleStore.ofGroups(handle, ids));
    }

    private static List<SecurityGroup> withRules(
            List<SecurityGroup> groups, Collection<SecurityGroupRule> rules) {
        Map<UUID, List<SecurityGroupRule>> byGroup =
                rules.stream().collect(groupingBy(SecurityGroupRule::groupId));
        return groups.stream()
                .map(group -> group.withRules(byGroup.getOrDefault(group.id(), List.of())))
                .toList();
    }

    private static SecurityGroup map(ResultSet row) throws SQLException {
        return new SecurityGroup(
                Rows.id(row, "id"),
                row.getString("project_id"),
                row.getString("name"),
                row.getString("description"),
                List.of(),
                Stamp.of(row));
    }
}
