package dev.iod.compute;

import dev.iod.region.Node;
import dev.iod.region.Nodes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * The capacity claim: chooses nodes and takes their vCPUs, memory and disk in the caller's
 * transaction.
 *
 * <p>Two guards keep claims from adding up to more than a node has: transactions are serializable,
 * and each claim is an UPDATE with the limit in its condition. Nodes are claimed in the order of
 * their names, so two claims cannot wait for each other in a circle.
 */
final class Placement {
    /** How many vCPUs may be claimed for each one a node offers, Nova's default. */
    static final int VCPU_RATIO = 4;

    private Placement() {}

    /** A row of {@code compute_node}. */
    record Claims(
            String node,
            UUID id,
            long number,
            int vcpus,
            long memoryMib,
            long diskMib,
            boolean enabled,
            Optional<String> disabledReason) {}

    /** Chooses nodes for {@code request} and claims them; nothing is claimed unless all fit. */
    static Scheduler.Outcome claim(Handle handle, Scheduler.Request request, Optional<UUID> group) {
        adopt(handle);
        List<Node> nodes = Nodes.all(handle);
        Map<String, Claims> claims = claims(handle);
        Map<String, Integer> members = group.map(id -> members(handle, id)).orElse(Map.of());
        List<Scheduler.Candidate> candidates =
                nodes.stream()
                        .flatMap(
                                node ->
                                        Optional.ofNullable(claims.get(node.name())).stream()
                                                .map(taken -> candidate(node, taken, members)))
                        .toList();
        Scheduler.Outcome outcome = Scheduler.place(candidates, request);
        if (outcome instanceof Scheduler.Placed placed) {
            // In the order of names: see the class.
            for (Node node : nodes) {
                long count = placed.nodes().stream().filter(node.name()::equals).count();
                if (count > 0) {
                    take(handle, node, request, count);
                }
            }
        }
        return outcome;
    }

    /** Gives back what a server claimed. */
    static void release(Handle handle, Server server) {
        server.node()
                .ifPresent(
                        node ->
                                handle.createUpdate(
                                                "UPDATE compute_node SET claimed_vcpus ="
                                                        + " claimed_vcpus - :vcpus,"
                                                        + " claimed_memory_mib = claimed_memory_mib -"
                                                        + " :memory, claimed_disk_mib ="
                                                        + " claimed_disk_mib - :disk"
                                                        + " WHERE name = :node")
                                        .bind("vcpus", server.flavor().vcpus())
                                        .bind("memory", server.flavor().memoryMib())
                                        .bind(
                                                "disk",
                                                RootDisks.mib(
                                                        server.flavor(), server.boot().disk()))
                                        .bind("node", node)
                                        .execute());
    }

    /** The claims of all nodes that take part in scheduling, by name. */
    static Map<String, Claims> claims(Handle handle) {
        return handle
                .createQuery("SELECT * FROM compute_node ORDER BY name")
                .map(
                        (row, context) ->
                                new Claims(
                                        row.getString("name"),
                                        Rows.uuid(row, "id"),
                                        row.getLong("number"),
                                        row.getInt("claimed_vcpus"),
                                        row.getLong("claimed_memory_mib"),
                                        row.getLong("claimed_disk_mib"),
                                        row.getBoolean("enabled"),
                                        Rows.text(row, "disabled_reason")))
                .list()
                .stream()
                .collect(Collectors.toMap(Claims::node, Function.identity()));
    }

    /** Whether a node joined that has no row of claims yet. */
    static boolean someNotAdopted(Handle handle) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT 1 FROM node n WHERE NOT EXISTS"
                                + " (SELECT 1 FROM compute_node c WHERE c.name = n.name))")
                .mapTo(Boolean.class)
                .one();
    }

    /** Gives every node that joined since the last time its row of claims. */
    static void adopt(Handle handle) {
        handle.execute(
                "INSERT INTO compute_node (name) SELECT name FROM node n WHERE NOT EXISTS"
                        + " (SELECT 1 FROM compute_node c WHERE c.name = n.name)"
                        + " ON CONFLICT DO NOTHING");
    }

    /**
     * Lets a node take new servers or not; those it has stay.
     *
     * @return false when there is no such node
     */
    static boolean enable(Handle handle, String node, boolean enabled, Optional<String> reason) {
        adopt(handle);
        return handle.createUpdate(
                                "UPDATE compute_node SET enabled = :enabled,"
                                        + " disabled_reason = :reason WHERE name = :node")
                        .bind("enabled", enabled)
                        .bind("reason", reason)
                        .bind("node", node)
                        .execute()
                == 1;
    }

    private static Scheduler.Candidate candidate(
            Node node, Claims taken, Map<String, Integer> members) {
        return new Scheduler.Candidate(
                node.name(),
                node.up(),
                taken.enabled(),
                node.vcpus() * VCPU_RATIO - taken.vcpus(),
                node.memoryMib() - taken.memoryMib(),
                node.diskMib() - taken.diskMib(),
                members.getOrDefault(node.name(), 0));
    }

    private static Map<String, Integer> members(Handle handle, UUID group) {
        return handle
                .createQuery(
                        "SELECT node, count(*) AS servers FROM server"
                                + " WHERE group_id = :group AND node IS NOT NULL GROUP BY node")
                .bind("group", group)
                .map((row, context) -> Map.entry(row.getString("node"), row.getInt("servers")))
                .list()
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static void take(Handle handle, Node node, Scheduler.Request request, long count) {
        int rows =
                handle.createUpdate(
                                "UPDATE compute_node SET"
                                        + " claimed_vcpus = claimed_vcpus + :vcpus,"
                                        + " claimed_memory_mib = claimed_memory_mib + :memory,"
                                        + " claimed_disk_mib = claimed_disk_mib + :disk"
                                        + " WHERE name = :node AND enabled"
                                        + " AND claimed_vcpus + :vcpus <= :allVcpus"
                                        + " AND claimed_memory_mib + :memory <= :allMemory"
                                        + " AND (:disk = 0 OR claimed_disk_mib + :disk <= :allDisk)")
                        .bind("vcpus", request.vcpus() * count)
                        .bind("memory", request.memoryMib() * count)
                        .bind("disk", request.diskMib() * count)
                        .bind("allVcpus", node.vcpus() * VCPU_RATIO)
                        .bind("allMemory", node.memoryMib())
                        .bind("allDisk", node.diskMib())
                        .bind("node", node.name())
                        .execute();
        if (rows != 1) {
            // Serializable isolation makes the read above and this update agree.
            throw new IllegalStateException(
                    "claim of %s refused by its guard after the scheduler allowed it"
                            .formatted(node.name()));
        }
    }
}
