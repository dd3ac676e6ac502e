package dev.iod.compute;

import dev.iod.region.AllocationRole;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.region.ResourceClass;
import dev.iod.rest.ApiException;
import dev.iod.volume.NewServerVolumes;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * Chooses nodes for servers and takes what these need, in the caller's transaction, which is {@link
 * dev.iod.store.Database#locked}. The choice is made from what is committed, without locks; then
 * the chosen nodes are locked and looked at again. When another was quicker and it does not fit any
 * more, the locks are given back and the choice is made anew; the last one with all nodes locked.
 */
final class Placement {
    private static final int CHOICES_WITHOUT_LOCKS = 8;

    private static final String SAVEPOINT = "choice";

    private Placement() {}

    /** What a server takes. */
    static Map<ResourceClass, Long> amounts(Flavor flavor, long diskMib) {
        return Map.of(
                ResourceClass.VCPU,
                (long) flavor.vcpus(),
                ResourceClass.MEMORY_MB,
                flavor.memoryMib(),
                ResourceClass.DISK_MB,
                diskMib);
    }

    /**
     * What a server takes: while it is resized its node can run it with either flavor, and keeps
     * the disks of both.
     */
    static Map<ResourceClass, Long> amounts(Server server) {
        Map<ResourceClass, Long> amounts = new EnumMap<>(ResourceClass.class);
        amounts.putAll(amounts(server.flavor(), RootDisks.mib(server)));
        server.resize()
                .map(Server.Resize::flavor)
                .ifPresent(
                        other -> {
                            amounts.merge(ResourceClass.VCPU, (long) other.vcpus(), Math::max);
                            amounts.merge(ResourceClass.MEMORY_MB, other.memoryMib(), Math::max);
                        });
        return amounts;
    }

    /**
     * A placed server takes what it needs now, all or nothing.
     *
     * @return what its node, which is locked, is short of
     */
    static Optional<ResourceClass> take(Handle handle, Server server) {
        Provider node = Providers.lock(handle, List.of(server.node().orElseThrow())).getFirst();
        return Providers.resize(handle, server.id(), AllocationRole.ACTIVE, node, amounts(server));
    }

    /**
     * A placed server's disks become larger or smaller together.
     *
     * @param before what they take of the node's pool, in MiB
     * @param after what they shall take
     * @throws ApiException 400 when its node, which is locked, has not so much
     */
    static void resize(Handle handle, Server server, long before, long after) {
        if (after == before) {
            return;
        }
        Provider node = Providers.lock(handle, List.of(server.node().orElseThrow())).getFirst();
        boolean full =
                Providers.resize(
                                handle,
                                server.id(),
                                AllocationRole.ACTIVE,
                                node,
                                Map.of(ResourceClass.DISK_MB, after))
                        .isPresent();
        if (full) {
            throw ApiException.badRequest(
                    "No valid host was found. The server's node is short of disk.");
        }
    }

    /**
     * Chooses nodes for servers and takes what they need; nothing is taken unless all fit.
     *
     * @param servers as many as the request says
     */
    static Scheduler.Outcome claim(
            Handle handle, Scheduler.Request request, Optional<UUID> group, List<UUID> servers) {
        group.ifPresent(id -> lockGroup(handle, id));
        Map<String, Integer> members = group.map(id -> members(handle, id)).orElse(Map.of());
        for (int i = 0; i < CHOICES_WITHOUT_LOCKS; i++) {
            Scheduler.Outcome outcome =
                    Scheduler.place(candidates(handle, Providers.all(handle), members), request);
            if (!(outcome instanceof Scheduler.Placed(List<String> nodes))) {
                return outcome;
            }
            handle.savepoint(SAVEPOINT);
            List<Provider> locked = Providers.lock(handle, new TreeSet<>(nodes));
            if (take(handle, request, nodes, servers, candidates(handle, locked, members))) {
                handle.releaseSavepoint(SAVEPOINT);
                return outcome;
            }
            // Gives the locks back: those of the next choice may come before them.
            handle.rollbackToSavepoint(SAVEPOINT);
        }
        List<Scheduler.Candidate> all =
                candidates(
                        handle,
                        Providers.lock(
                                handle,
                                Providers.all(handle).stream().map(Provider::name).toList()),
                        members);
        Scheduler.Outcome outcome = Scheduler.place(all, request);
        if (outcome instanceof Scheduler.Placed(List<String> nodes)
                && !take(handle, request, nodes, servers, all)) {
            throw new IllegalStateException("what was placed does not fit: " + nodes);
        }
        return outcome;
    }

    /** Makes everybody wait who adds members, so that those that are counted after this hold. */
    static void lockGroup(Handle handle, UUID group) {
        handle.createQuery("SELECT id FROM server_group WHERE id = :id FOR NO KEY UPDATE")
                .bind("id", group)
                .mapTo(UUID.class)
                .list();
    }

    private static boolean take(
            Handle handle,
            Scheduler.Request request,
            List<String> nodes,
            List<UUID> servers,
            List<Scheduler.Candidate> candidates) {
        Map<String, Scheduler.Candidate> locked = new HashMap<>();
        candidates.forEach(candidate -> locked.put(candidate.provider().name(), candidate));
        for (int i = 0; i < nodes.size(); i++) {
            Scheduler.Candidate candidate = locked.get(nodes.get(i));
            if (candidate == null || !Scheduler.fits(candidate, request)) {
                return false;
            }
            Providers.allocate(
                    handle,
                    servers.get(i),
                    AllocationRole.ACTIVE,
                    candidate.provider(),
                    request.amounts());
            NewServerVolumes.allocate(
                    handle, servers.get(i), candidate.provider().with(request.amounts()));
            locked.put(nodes.get(i), candidate.with(request.all()));
        }
        return true;
    }

    private static List<Scheduler.Candidate> candidates(
            Handle handle, Collection<Provider> providers, Map<String, Integer> members) {
        Map<String, String> disabled = DisabledNodes.reasons(handle);
        return providers.stream()
                .map(
                        provider ->
                                new Scheduler.Candidate(
                                        provider,
                                        !disabled.containsKey(provider.name()),
                                        members.getOrDefault(provider.name(), 0)))
                .toList();
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
}
