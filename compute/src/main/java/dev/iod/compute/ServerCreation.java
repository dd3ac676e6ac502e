package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.NodeGoals;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Makes servers: desired state, quota, claim, ports, action and the nodes' new goals in one
 * transaction. A server that finds no node is made too, in ERROR with the reason, as in Nova.
 */
final class ServerCreation {
    private static final SplittableRandom RANDOM = new SplittableRandom();
    private static final String RESERVATION_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

    private final Parts parts;

    ServerCreation(Parts parts) {
        this.parts = parts;
    }

    /** What was looked up for a request. */
    private record Ingredients(
            Flavor flavor,
            Images.Bootable image,
            Optional<Keypair> key,
            Optional<ServerGroup> group,
            int count,
            String reservationId) {}

    /**
     * @return the servers, at least one
     * @throws ApiException 400 for what the request names and is not there, 403 beyond the quota
     */
    List<Server> create(Actor actor, NewServers wanted) {
        return parts.database().transaction(handle -> create(handle, actor, wanted));
    }

    private List<Server> create(Handle handle, Actor actor, NewServers wanted) {
        Ingredients ingredients = gather(handle, actor, wanted);
        Scheduler.Outcome outcome =
                Placement.claim(
                        handle,
                        new Scheduler.Request(
                                ingredients.count(),
                                ingredients.flavor().vcpus(),
                                ingredients.flavor().memoryMib(),
                                RootDisks.mib(ingredients.flavor(), ingredients.image().disk()),
                                wanted.forcedNode(),
                                ingredients.group().map(ServerGroup::rule)),
                        wanted.group());
        List<Server> servers = new ArrayList<>();
        for (int i = 0; i < ingredients.count(); i++) {
            Server server =
                    switch (outcome) {
                        case Scheduler.Placed(List<String> nodes) ->
                                draft(
                                        actor,
                                        wanted,
                                        ingredients,
                                        i,
                                        Optional.of(nodes.get(i)),
                                        Optional.empty());
                        case Scheduler.NoNode(String reason) ->
                                draft(
                                        actor,
                                        wanted,
                                        ingredients,
                                        i,
                                        Optional.empty(),
                                        Optional.of("No valid host was found. " + reason));
                    };
            insert(handle, actor, wanted, server);
            servers.add(server);
        }
        announce(handle, servers);
        return servers;
    }

    private Ingredients gather(Handle handle, Actor actor, NewServers wanted) {
        String project = actor.projectId();
        Flavor flavor =
                Flavor.find(handle, actor, wanted.flavorId())
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Flavor %s could not be found."
                                                        .formatted(wanted.flavorId())));
        Images.Bootable image = parts.images().resolve(handle, actor, wanted.imageId());
        if (image.minRamMib() > flavor.memoryMib()) {
            throw ApiException.badRequest("Flavor's memory is too small for requested image.");
        }
        RootDisks.check(flavor, image);
        if (!wanted.zone().isEmpty() && !wanted.zone().equals(ServerShown.ZONE)) {
            throw ApiException.badRequest("The requested availability zone is not available");
        }
        if (wanted.forcedNode().isPresent() && !actor.isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:servers:create:forced_host to be"
                            + " performed.");
        }
        Optional<Keypair> key =
                wanted.keyName()
                        .map(
                                name ->
                                        Keypair.find(handle, actor.userId(), name)
                                                .orElseThrow(
                                                        () ->
                                                                ApiException.badRequest(
                                                                        "Invalid key_name"
                                                                                + " provided.")));
        checkMetadata(handle, project, wanted);
        int count = ComputeQuotas.admit(handle, project, flavor, wanted.min(), wanted.max());
        Optional<ServerGroup> group = wanted.group().map(id -> group(handle, project, id, count));
        return new Ingredients(flavor, image, key, group, count, reservationId());
    }

    private static void checkMetadata(Handle handle, String project, NewServers wanted) {
        long limit = ComputeQuotas.limit(handle, project, ComputeQuotas.Resource.METADATA_ITEMS);
        if (Quotas.exceeds(wanted.metadata().size(), limit)) {
            throw ApiException.forbidden(
                    "Maximum number of metadata items exceeds %d".formatted(limit));
        }
    }

    private static ServerGroup group(Handle handle, String project, UUID id, int count) {
        ServerGroup group =
                ServerGroup.find(handle, id)
                        .filter(found -> found.projectId().equals(project))
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Instance group %s could not be found."
                                                        .formatted(id)));
        long limit =
                ComputeQuotas.limit(handle, project, ComputeQuotas.Resource.SERVER_GROUP_MEMBERS);
        if (Quotas.exceeds(group.members().size() + count, limit)) {
            throw ApiException.forbidden("Quota exceeded, too many servers in group");
        }
        return group;
    }

    private static Server draft(
            Actor actor,
            NewServers wanted,
            Ingredients ingredients,
            int index,
            Optional<String> node,
            Optional<String> failure) {
        UUID id = UUID.randomUUID();
        String name =
                wanted.max() == 1 ? wanted.name() : "%s-%d".formatted(wanted.name(), index + 1);
        Instant now = Instant.now();
        Lifecycle.State state =
                failure.isPresent()
                        ? Lifecycle.State.initial(VmState.ERROR, TaskState.NONE)
                        : Lifecycle.State.initial(VmState.BUILDING, TaskState.SPAWNING);
        return new Server(
                id,
                0,
                actor.projectId(),
                actor.userId(),
                name,
                wanted.description(),
                wanted.hostname().orElseGet(() -> Hostnames.of(name, id)),
                new Server.Origin(
                        ingredients.reservationId(), index, wanted.imageId(), wanted.zone()),
                new Server.Boot(
                        ingredients.image().kernel(),
                        ingredients.image().initrd(),
                        ingredients.image().disk(),
                        ingredients.image().commandLine()),
                ingredients.flavor(),
                new Server.Guest(
                        ingredients.key().map(Keypair::name),
                        ingredients.key().map(Keypair::publicKey).orElse(""),
                        wanted.userData(),
                        wanted.metadata()),
                wanted.presentation(),
                wanted.group(),
                node,
                state,
                failure.map(message -> new Server.ServerFault(message, now)),
                new Server.Times(now, now, Optional.empty()));
    }

    private void insert(Handle handle, Actor actor, NewServers wanted, Server server) {
        ServerStore.insert(handle, server);
        InstanceActions.begin(handle, actor, server, InstanceActions.Kind.CREATE);
        Audit.record(handle, actor, "create server", server.id().toString());
        parts.ports()
                .create(
                        handle,
                        actor,
                        server.id(),
                        ServerShown.ZONE,
                        wanted.networks(),
                        wanted.securityGroups());
        if (server.node().isPresent()) {
            parts.ports().bind(handle, server.id(), server.node().get());
        } else {
            // The request for ports was checked; a server without a node does not keep them.
            parts.ports().release(handle, server.id());
            InstanceActions.finish(
                    handle, server.id(), server.fault().map(Server.ServerFault::message));
        }
    }

    /** Nodes in the order of their names, the order in which all claims and goals are locked. */
    private static void announce(Handle handle, List<Server> servers) {
        Map<String, List<UUID>> byNode = new TreeMap<>();
        for (Server server : servers) {
            server.node()
                    .ifPresent(
                            node ->
                                    byNode.computeIfAbsent(node, name -> new ArrayList<>())
                                            .add(server.id()));
        }
        byNode.forEach(
                (node, ids) ->
                        ServerStore.setGoalRevision(handle, ids, NodeGoals.touch(handle, node)));
    }

    private static String reservationId() {
        StringBuilder id = new StringBuilder("r-");
        synchronized (RANDOM) {
            for (int i = 0; i < 8; i++) {
                id.append(
                        RESERVATION_ALPHABET.charAt(RANDOM.nextInt(RESERVATION_ALPHABET.length())));
            }
        }
        return id.toString();
    }
}
