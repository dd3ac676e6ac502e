package dev.iod.network;

import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SecurityGroupRule.EtherType;
import dev.iod.network.SecurityGroupRule.Remote;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** What Neutron puts into a new security group, and the group every project has. */
final class SecurityGroups {
    private static final Stamp NEW = new Stamp(Instant.EPOCH, Instant.EPOCH, 1);

    private SecurityGroups() {}

    /** The project's default group, made when it is first needed. */
    static UUID ensureDefault(Handle handle, String projectId) {
        Optional<UUID> found = SecurityGroupStore.findDefault(handle, projectId);
        if (found.isPresent()) {
            return found.get();
        }
        UUID id = UUID.randomUUID();
        create(
                handle,
                new SecurityGroup(
                        id,
                        projectId,
                        SecurityGroup.DEFAULT_NAME,
                        "Default security group",
                        List.of(),
                        NEW));
        for (EtherType type : EtherType.values()) {
            RuleStore.insert(
                    handle, rule(id, projectId, Direction.INGRESS, type, new Remote.Group(id)));
        }
        return id;
    }

    /** A new group lets everything out and nothing in. */
    static void create(Handle handle, SecurityGroup group) {
        SecurityGroupStore.insert(handle, group);
        for (EtherType type : EtherType.values()) {
            RuleStore.insert(handle, rule(group.id(), group.projectId(), Direction.EGRESS, type));
        }
    }

    private static SecurityGroupRule rule(
            UUID group, String project, Direction direction, EtherType type, Remote... remote) {
        return new SecurityGroupRule(
                UUID.randomUUID(),
                group,
                project,
                direction,
                type,
                Optional.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                List.of(remote).stream().findFirst(),
                "",
                NEW);
    }
}
