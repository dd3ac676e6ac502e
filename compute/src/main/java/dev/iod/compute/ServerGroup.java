package dev.iod.compute;

import dev.iod.store.Table;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Servers that are to be together or apart.
 *
 * @param policy the text of a {@link GroupPolicy}
 * @param maxPerNode how many members a node may have under anti-affinity, if not one
 * @param members ids of the servers, oldest first
 */
record ServerGroup(
        UUID id,
        String projectId,
        String userId,
        String name,
        String policy,
        Optional<Integer> maxPerNode,
        List<UUID> members) {
    static final Table<ServerGroup> TABLE =
            Table.of(ServerGroup.class, "server_group", "id")
                    .computed(
                            "members",
                            "ARRAY(SELECT s.id FROM server s WHERE s.group_id = server_group.id"
                                    + " ORDER BY s.number)")
                    .sorted(Map.of("created_at", "created_at"), "created_at");

    ServerGroup {
        members = List.copyOf(members);
    }

    /** A group of any project. */
    static Optional<ServerGroup> find(Handle handle, UUID id) {
        return TABLE.first(handle, TABLE.is(id));
    }

    Scheduler.GroupRule rule() {
        return new Scheduler.GroupRule(GroupPolicy.of(policy), maxPerNode.orElse(1));
    }
}
