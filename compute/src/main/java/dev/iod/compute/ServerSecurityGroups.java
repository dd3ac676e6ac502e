package dev.iod.compute;

import dev.iod.network.SecurityGroup;
import dev.iod.network.SecurityGroupRule;
import dev.iod.region.Actor;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /servers/ID/os-security-groups}: the groups of a server's ports in the shape they had when
 * they were Nova's own, so with the rules for what comes in only.
 */
final class ServerSecurityGroups {
    private static final int ALL_PORTS_FIRST = 1;
    private static final int ALL_PORTS_LAST = 65_535;

    /** What Nova says of a protocol without ports, and of a rule for every type of ICMP. */
    private static final int NO_PORT = -1;

    private final Parts parts;

    ServerSecurityGroups(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/servers/{id}/os-security-groups", this::list).may(Rule.READER));
    }

    private Response list(Request request) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("security_groups");
        parts.database()
                .read(
                        handle -> {
                            Server server =
                                    ServerChanges.visible(
                                            handle, Actor.of(request), request.pathParameter("id"));
                            List<SecurityGroup> groups =
                                    parts.ports().securityGroups(handle, server.id());
                            Map<UUID, SecurityGroup> remote = remote(handle, groups);
                            return groups.stream().map(group -> shown(group, remote)).toList();
                        })
                .forEach(array::add);
        return Response.ok(root);
    }

    /** The groups that rules name. */
    private Map<UUID, SecurityGroup> remote(Handle handle, List<SecurityGroup> groups) {
        List<UUID> ids =
                groups.stream()
                        .flatMap(group -> group.rules().stream())
                        .flatMap(rule -> rule.remote().stream())
                        .filter(remote -> remote instanceof SecurityGroupRule.Remote.Group)
                        .map(remote -> ((SecurityGroupRule.Remote.Group) remote).id())
                        .distinct()
                        .toList();
        return parts.ports().groups(handle, ids).stream()
                .collect(Collectors.toMap(SecurityGroup::id, group -> group));
    }

    private static ObjectNode shown(SecurityGroup group, Map<UUID, SecurityGroup> remote) {
        ObjectNode node = Json.object();
        node.put("id", group.id().toString());
        node.put("name", group.name());
        node.put("description", group.description());
        node.put("tenant_id", group.projectId());
        ArrayNode rules = node.putArray("rules");
        group.rules().stream()
                .filter(rule -> rule.direction() == SecurityGroupRule.Direction.INGRESS)
                .forEach(rule -> rules.add(shown(rule, remote)));
        return node;
    }

    private static ObjectNode shown(SecurityGroupRule rule, Map<UUID, SecurityGroup> remote) {
        ObjectNode node = Json.object();
        node.put("id", rule.id().toString());
        node.put("parent_group_id", rule.groupId().toString());
        node.put("ip_protocol", rule.protocol().orElse(null));
        boolean noPorts =
                rule.protocol().isPresent()
                        && rule.portMinimum().isEmpty()
                        && rule.portMaximum().isEmpty();
        if (noPorts) {
            boolean ports =
                    List.of("tcp", "udp")
                            .contains(rule.protocol().orElse("").toLowerCase(Locale.ROOT));
            node.put("from_port", ports ? ALL_PORTS_FIRST : NO_PORT);
            node.put("to_port", ports ? ALL_PORTS_LAST : NO_PORT);
        } else {
            port(node, "from_port", rule.portMinimum());
            port(node, "to_port", rule.portMaximum());
        }
        ObjectNode group = node.putObject("group");
        ObjectNode range = node.putObject("ip_range");
        if (rule.remote().orElse(null) instanceof SecurityGroupRule.Remote.Group(UUID id)) {
            SecurityGroup other = remote.get(id);
            if (other != null) {
                group.put("name", other.name()).put("tenant_id", other.projectId());
            }
        } else if (rule.remote().orElse(null)
                instanceof SecurityGroupRule.Remote.Prefix(String cidr)) {
            range.put("cidr", cidr);
        } else {
            range.put(
                    "cidr",
                    rule.etherType() == SecurityGroupRule.EtherType.IPV4 ? "0.0.0.0/0" : "::/0");
        }
        return node;
    }

    private static void port(ObjectNode node, String name, OptionalInt port) {
        if (port.isPresent()) {
            node.put(name, port.getAsInt());
        } else {
            node.putNull(name);
        }
    }
}
