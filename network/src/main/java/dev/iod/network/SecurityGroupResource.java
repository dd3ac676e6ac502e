package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/security-groups}. */
final class SecurityGroupResource implements Resource {
    private final ServerWatcher servers;

    SecurityGroupResource(ServerWatcher servers) {
        this.servers = servers;
    }

    @Override
    public String singular() {
        return "security_group";
    }

    @Override
    public String plural() {
        return "security_groups";
    }

    @Override
    public String path() {
        return "security-groups";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.securityGroupNotFound(id);
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        var group =
                new SecurityGroup(
                        UUID.randomUUID(),
                        Attributes.project(fields, actor),
                        Attributes.name(fields),
                        Attributes.description(fields),
                        List.of(),
                        new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
        notOffered(fields);
        fields.end();
        refuseDefaultName(group.name());
        SecurityGroups.ensureDefault(handle, group.projectId());
        NetworkQuotas.claim(handle, group.projectId(), NetworkQuotas.SECURITY_GROUPS);
        SecurityGroups.create(handle, group);
        return show(handle, actor, group.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return view(SecurityGroupStore.require(handle, actor, id));
    }

    /** Neutron makes the default group of a project when somebody first looks. */
    @Override
    public boolean listWrites() {
        return true;
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        SecurityGroups.ensureDefault(handle, actor.projectId());
        return SecurityGroupStore.list(handle, actor, query, page).map(SecurityGroupResource::view);
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        SecurityGroup old = SecurityGroupStore.require(handle, actor, id);
        Attributes.readOnly(
                fields, List.of("id", "tenant_id", "project_id", "security_group_rules"));
        String name = fields.optionalString("name", Attributes.NAME_LENGTH).orElse(old.name());
        String description =
                fields.optionalString("description", Attributes.NAME_LENGTH)
                        .orElse(old.description());
        notOffered(fields);
        fields.end();
        if (!name.equals(old.name())) {
            if (old.name().equals(SecurityGroup.DEFAULT_NAME)) {
                throw Neutron.conflict(
                        "SecurityGroupCannotUpdateDefault",
                        "Updating default security group not allowed.");
            }
            refuseDefaultName(name);
        }
        SecurityGroupStore.update(handle, id, name, description);
        if (!name.equals(old.name())) {
            servers.portsChanged(handle, PortStore.serversInGroup(handle, id));
        }
        return show(handle, actor, id);
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        SecurityGroup group = SecurityGroupStore.require(handle, actor, id);
        if (group.name().equals(SecurityGroup.DEFAULT_NAME) && !actor.isAdmin()) {
            throw Neutron.conflict(
                    "SecurityGroupCannotRemoveDefault",
                    "Insufficient rights for removing default security group.");
        }
        if (SecurityGroupStore.inUse(handle, id)) {
            throw Neutron.conflict("SecurityGroupInUse", "Security Group %s in use.".formatted(id));
        }
        SecurityGroupStore.delete(handle, id);
    }

    private static void notOffered(Fields fields) {
        Attributes.onlyDefault(fields, "stateful", BooleanNode.TRUE);
    }

    private static void refuseDefaultName(String name) {
        if (name.equals(SecurityGroup.DEFAULT_NAME)) {
            throw Neutron.conflict(
                    "SecurityGroupDefaultAlreadyExists", "Default security group already exists.");
        }
    }

    private static ObjectNode view(SecurityGroup group) {
        ObjectNode view = Json.object();
        view.put("id", group.id().toString())
                .put("name", group.name())
                .put("tenant_id", group.projectId())
                .put("project_id", group.projectId())
                .put("description", group.description());
        ArrayNode rules = view.putArray("security_group_rules");
        group.rules().forEach(rule -> rules.add(RuleResource.view(rule)));
        return Views.stamp(view, group.stamp());
    }
}
