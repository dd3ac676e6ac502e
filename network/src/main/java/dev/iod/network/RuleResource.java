package dev.iod.network;

import dev.iod.network.SecurityGroupRule.Remote;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/security-group-rules}. */
final class RuleResource implements Resource {
    @Override
    public String singular() {
        return "security_group_rule";
    }

    @Override
    public String plural() {
        return "security_group_rules";
    }

    @Override
    public String path() {
        return "security-group-rules";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.ruleNotFound(id);
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        Attributes.project(fields, actor);
        UUID groupId = Attributes.id(fields, "security_group_id");
        SecurityGroup group = SecurityGroupStore.require(handle, actor, groupId);
        SecurityGroupRule rule = RuleFields.read(fields, group);
        fields.end();
        if (rule.remote().orElse(null) instanceof Remote.Group(UUID remote)) {
            SecurityGroupStore.require(handle, actor, remote);
        }
        RuleStore.findSame(handle, rule)
                .ifPresent(
                        same -> {
                            throw Neutron.conflict(
                                    "SecurityGroupRuleExists",
                                    "Security group rule already exists. Rule id is %s."
                                            .formatted(same));
                        });
        NetworkQuotas.claim(handle, rule.projectId(), NetworkQuotas.RULES);
        RuleStore.insert(handle, rule);
        return show(handle, actor, rule.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return view(RuleStore.require(handle, actor, id));
    }

    @Override
    public boolean listWrites() {
        return true;
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        SecurityGroups.ensureDefault(handle, actor.projectId());
        return RuleStore.list(handle, actor, query, page).map(RuleResource::view);
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        RuleStore.require(handle, actor, id);
        throw Neutron.badRequest(
                "HTTPBadRequest",
                "A security group rule cannot be changed; delete it and create another one.");
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        RuleStore.delete(handle, RuleStore.require(handle, actor, id));
    }

    static ObjectNode view(SecurityGroupRule rule) {
        ObjectNode view = Json.object();
        view.put("id", rule.id().toString())
                .put("tenant_id", rule.projectId())
                .put("project_id", rule.projectId())
                .put("security_group_id", rule.groupId().toString())
                .put("direction", RuleStore.word(rule.direction()))
                .put("ethertype", RuleStore.word(rule.etherType()))
                .put("description", rule.description());
        Json.put(view, "protocol", rule.protocol());
        Views.put(view, "port_range_min", rule.portMinimum());
        Views.put(view, "port_range_max", rule.portMaximum());
        Json.put(view, "remote_ip_prefix", RuleStore.remotePrefix(rule));
        Json.put(view, "remote_group_id", RuleStore.remoteGroup(rule).map(UUID::toString));
        Json.put(view, "normalized_cidr", RuleStore.remotePrefix(rule));
        return Views.stamp(view, rule.stamp());
    }
}
