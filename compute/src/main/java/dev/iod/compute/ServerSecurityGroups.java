package dev.iod.compute;

import dev.iod.network.SecurityGroup;
import dev.iod.network.SecurityGroupRule;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
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
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /servers/ID/os-security-groups}, and until 2.35 {@code /os-security-groups}, by which
 * clients find a group's name: groups in the shape they had when they were Nova's own, so with the
 * rules for what comes in only. They are made and changed by the network service.
 */
final class ServerSecurityGroups {
    /** The last minor version in which the project's groups are here too. */
    private static final int PROJECTS_UNTIL = 35;

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
                Route.get("/v2.1/servers/{id}/os-security-groups", this::ofServer).may(Rule.READER),
                Route.get("/v2.1/os-security-groups", this::ofProject).may(Rule.READER),
                Route.get("/v2.1/os-security-groups/{group}", this::one).may(Rule.READER));
    }

    private Response ofServer(Request request) {
        return list(
                handle -> {
                    Server server =
                            ServerChanges.visible(
                                    handle, Actor.of(request), request.pathParameter("id"));
                    return parts.ports().securityGroups(handle, server.id());
                });
    }

    private Response ofProject(Request request) {
        checkVersion(request);
        String project = Actor.of(request).projectId();
        return list(handle -> parts.ports().groups(handle, project));
    }

    private Response one(Request request) {
        checkVersion(request);
        Actor actor = Actor.of(request);
        String id = request.pathParameter("group");
        ObjectNode root = Json.object();
        root.set(
                "security_group",
                parts.database()
                        .read(handle -> shown(handle, List.of(find(handle, actor, id))))
                        .getFirst());
        return Response.ok(root);
    }

    private SecurityGroup find(Handle handle, Actor actor, String id) {
        return Formats.uuid(id)
                .flatMap(uuid -> parts.ports().groups(handle, List.of(uuid)).stream().findFirst())
                .filter(group -> actor.mayAccess(group.projectId()))
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        "Security group %s does not exist".formatted(id)));
    }

    private static void checkVersion(Request request) {
        if (request.microversion().minor() > PROJECTS_UNTIL) {
            throw ApiException.notFound("The resource could not be found.");
        }
    }

    private Response list(Function<Handle, List<SecurityGroup>> groups) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("security_groups");
        parts.database().read(handle -> shown(handle, groups.apply(handle))).forEach(array::add);
        return Response.ok(root);
    }

    private List<ObjectNode> shown(Handle handle, List<SecurityGroup> groups) {
        Map<UUID, SecurityGroup> remote = remote(handle, groups);
        return groups.stream().map(group -> shown(group, remote)).toList();
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
