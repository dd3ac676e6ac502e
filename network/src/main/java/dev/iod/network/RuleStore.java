package dev.iod.network;

import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SecurityGroupRule.EtherType;
import dev.iod.network.SecurityGroupRule.Remote;
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
import java.util.OptionalInt;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The table {@code security_group_rule}. */
final class RuleStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id::text",
                    "security_group_id", "security_group_id",
                    "direction", "direction",
                    "ethertype", "ethertype",
                    "created_at", "created_at",
                    "project_id", "project_id",
                    "tenant_id", "project_id");

    private static final Filters FILTERS =
            new Filters()
                    .id("id", "id")
                    .id("security_group_id", "security_group_id")
                    .id("remote_group_id", "remote_group_id")
                    .text("direction", "direction")
                    .text("ethertype", "ethertype")
                    .text("protocol", "protocol")
                    .normalized("remote_ip_prefix", "remote_prefix", RuleFields::normalized)
                    .text("port_range_min", "port_minimum::text")
                    .text("port_range_max", "port_maximum::text")
                    .text("description", "description")
                    .text("project_id", "project_id")
                    .text("tenant_id", "project_id");

    private RuleStore() {}

    static void insert(Handle handle, SecurityGroupRule rule) {
        handle.createUpdate(
                        "INSERT INTO security_group_rule (id, security_group_id, project_id,"
                                + " direction, ethertype, protocol, port_minimum, port_maximum,"
                                + " remote_prefix, remote_group_id, description) VALUES (:id, :group,"
                                + " :project, :direction, :type, :protocol, :minimum, :maximum,"
                                + " :prefix, :remote, :description)")
                .bind("id", rule.id())
                .bind("group", rule.groupId())
                .bind("project", rule.projectId())
                .bind("direction", word(rule.direction()))
                .bind("type", word(rule.etherType()))
                .bind("protocol", rule.protocol())
                .bind("minimum", rule.portMinimum())
                .bind("maximum", rule.portMaximum())
                .bind("prefix", remotePrefix(rule))
                .bind("remote", remoteGroup(rule))
                .bind("description", rule.description())
                .execute();
        raiseRevision(handle, rule.groupId());
    }

    static Optional<SecurityGroupRule> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM security_group_rule WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The rule if the caller may see it; 404 otherwise. */
    static SecurityGroupRule require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(rule -> actor.mayAccess(rule.projectId()))
                .orElseThrow(() -> Neutron.ruleNotFound(id));
    }

    /** A rule of the same group that says the same, in whatever words. */
    static Optional<UUID> findSame(Handle handle, SecurityGroupRule rule) {
        return ofGroups(handle, List.of(rule.groupId())).stream()
                .filter(
                        other ->
                                other.direction() == rule.direction()
                                        && other.etherType() == rule.etherType()
                                        && protocol(other).equals(protocol(rule))
                                        && other.portMinimum().equals(rule.portMinimum())
                                        && other.portMaximum().equals(rule.portMaximum())
                                        && remote(other).equals(remote(rule)))
                .map(SecurityGroupRule::id)
                .findFirst();
    }

    private static Optional<IpProtocol> protocol(SecurityGroupRule rule) {
        return rule.protocol().map(IpProtocol::of);
    }

    /** A prefix of every address is none. */
    private static Optional<Remote> remote(SecurityGroupRule rule) {
        return rule.remote()
                .filter(
                        remote ->
                                !(remote instanceof Remote.Prefix prefix
                                        && prefix.cidr().endsWith("/0")));
    }

    static Listed<SecurityGroupRule> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM security_group_rule", SORT_COLUMNS);
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

    static List<SecurityGroupRule> ofGroups(Handle handle, Collection<UUID> groupIds) {
        return handle.createQuery(
                        "SELECT * FROM security_group_rule WHERE security_group_id ="
                                + " ANY(string_to_array(:groups, ',')::uuid[])"
                                + " ORDER BY created_at, id")
                .bind("groups", Rows.joined(groupIds))
                .map((row, context) -> map(row))
                .list();
    }

    static List<SecurityGroupRule> all(Handle handle) {
        return handle.createQuery("SELECT * FROM security_group_rule")
                .map((row, context) -> map(row))
                .list();
    }

    static void delete(Handle handle, SecurityGroupRule rule) {
        handle.createUpdate("DELETE FROM security_group_rule WHERE id = :id")
                .bind("id", rule.id())
                .execute();
        raiseRevision(handle, rule.groupId());
    }

    static String word(Direction direction) {
        return switch (direction) {
            case INGRESS -> "ingress";
            case EGRESS -> "egress";
        };
    }

    static String word(EtherType type) {
        return switch (type) {
            case IPV4 -> "IPv4";
            case IPV6 -> "IPv6";
        };
    }

    static Optional<String> remotePrefix(SecurityGroupRule rule) {
        return rule.remote()
                .filter(Remote.Prefix.class::isInstance)
                .map(remote -> ((Remote.Prefix) remote).cidr());
    }

    static Optional<UUID> remoteGroup(SecurityGroupRule rule) {
        return rule.remote()
                .filter(Remote.Group.class::isInstance)
                .map(remote -> ((Remote.Group) remote).id());
    }

    /** A rule is a change of its group. */
    private static void raiseRevision(Handle handle, UUID groupId) {
        handle.createUpdate(
                        "UPDATE security_group SET revision = revision + 1, updated_at = now()"
                                + " WHERE id = :id")
                .bind("id", groupId)
                .execute();
    }

    private static SecurityGroupRule map(ResultSet row) throws SQLException {
        Optional<Remote> prefix = Rows.optional(row, "remote_prefix").map(Remote.Prefix::new);
        Optional<Remote> group = Rows.optionalId(row, "remote_group_id").map(Remote.Group::new);
        return new SecurityGroupRule(
                Rows.id(row, "id"),
                Rows.id(row, "security_group_id"),
                row.getString("project_id"),
                row.getString("direction").equals("ingress") ? Direction.INGRESS : Direction.EGRESS,
                row.getString("ethertype").equals("IPv4") ? EtherType.IPV4 : EtherType.IPV6,
                Rows.optional(row, "protocol"),
                number(row, "port_minimum"),
                number(row, "port_maximum"),
                prefix.or(() -> group),
                row.getString("description"),
                Stamp.of(row));
    }

    private static OptionalInt number(ResultSet row, String column) throws SQLException {
        int value = row.getInt(column);
        return row.wasNull() ? OptionalInt.empty() : OptionalInt.of(value);
    }
}
