package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.volume.NewServerVolumes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Makes servers: desired state, quota, allocations, ports, action and the nodes' new goals in one
 * transaction. A server that finds no node is made too: see {@link ServerPlacement}.
 */
final class ServerCreation {
    private static final SplittableRandom RANDOM = new SplittableRandom();
    private static final String RESERVATION_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

    private final Parts parts;
    private final ServerPlacement placement;

    ServerCreation(Parts parts, ServerPlacement placement) {
        this.parts = parts;
        this.placement = placement;
    }

    /** What was looked up for a request. */
    private record Ingredients(
            Flavor flavor,
            Server.Boot boot,
            Optional<Keypair> key,
            Optional<ServerGroup> group,
            int count,
            String reservationId) {}

    /**
     * @return the servers, at least one
     * @throws ApiException 400 for what the request names and is not there, 403 beyond the quota
     */
    List<Server> create(Actor actor, NewServers wanted) {
        return parts.database().locked(handle -> create(handle, actor, wanted));
    }

    private List<Server> create(Handle handle, Actor actor, NewServers wanted) {
        Ingredients ingredients = gather(handle, actor, wanted);
        List<Server> servers = new ArrayList<>();
        for (int i = 0; i < ingredients.count(); i++) {
            Server server = draft(actor, wanted, ingredients, i);
            insert(handle, actor, wanted, server);
            servers.add(server);
        }
        List<NewServerVolumes.Wanted> volumes = wanted.disks().volumes();
        for (Server server : servers) {
            NewServerVolumes.attach(
                    handle,
                    actor,
                    parts.images(),
                    server.id(),
                    RootDisks.of(server).isPresent(),
                    volumes);
        }
        // Last, because everybody who wants the same node waits from here on.
        placement.place(handle, servers);
        NewServerVolumes.check(handle, actor, parts.images(), volumes);
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
        RootDisks.check(flavor);
        Server.Boot boot = boot(handle, actor, wanted, flavor);
        if (!wanted.zone().isEmpty() && !wanted.zone().equals(ServerShown.ZONE)) {
            throw ApiException.badRequest("The requested availability zone is not available");
        }
        if (wanted.forcedNode().isPresent() && !actor.isAdmin()) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:servers:create:forced_host to be"
                            + " performed.");
        }
        Optional<Keypair> key = wanted.keyName().map(name -> Keypair.named(handle, actor, name));
        ComputeQuotas.checkMetadata(handle, project, wanted.metadata());
        int count = ComputeQuotas.admit(handle, project, flavor, wanted.min(), wanted.max());
        NewServerVolumes.claim(handle, actor, parts.images(), wanted.disks().volumes(), count);
        Optional<ServerGroup> group = wanted.group().map(id -> group(handle, project, id, count));
        return new Ingredients(flavor, boot, key, group, count, reservationId());
    }

    private Server.Boot boot(Handle handle, Actor actor, NewServers wanted, Flavor flavor) {
        boolean fromVolume = wanted.disks().fromVolume();
        Map<String, String> volume =
                fromVolume
                        ? NewServerVolumes.bootable(
                                handle, actor, parts.images(), wanted.disks().volumes().getFirst())
                        : Map.of();
        if (wanted.imageId().isEmpty()) {
            checkMachine(flavor, "the volume that is booted", true, "");
            if (Long.parseLong(volume.getOrDefault("min_ram", "0")) > flavor.memoryMib()) {
                throw memoryTooSmall();
            }
            return Server.Boot.ofVolume(new Images.Boot.Disk(Images.firmware(volume)));
        }
        Images.Bootable image = parts.images().resolve(handle, actor, wanted.imageId());
        // As in Nova, what the request's image says of itself counts for a volume beside it.
        return fromVolume
                ? checked(image, flavor, Server.Boot.ofVolume(image.boot()))
                : boot(image, flavor);
    }

    /**
     * What a server of a flavor boots of an image.
     *
     * @throws ApiException 400 when they do not fit together
     */
    static Server.Boot boot(Images.Bootable image, Flavor flavor) {
        Server.Boot boot = bootWithAnyDisk(image, flavor);
        RootDisks.check(flavor, image);
        return boot;
    }

    /** The same when the disk is not the flavor's. */
    static Server.Boot bootWithAnyDisk(Images.Bootable image, Flavor flavor) {
        return checked(image, flavor, Server.Boot.of(image));
    }

    private static Server.Boot checked(Images.Bootable image, Flavor flavor, Server.Boot boot) {
        if (image.minRamMib() > flavor.memoryMib()) {
            throw memoryTooSmall();
        }
        checkMachine(flavor, "image " + image.imageId(), boot.byFirmware(), image.machineType());
        return boot;
    }

    static ApiException memoryTooSmall() {
        return ApiException.badRequest("Flavor's memory is too small for requested image.");
    }

    /** A microvm has neither a firmware that boots disks nor the buses of another machine. */
    static void checkMachine(Flavor flavor, String what, boolean firmware, String machineType) {
        if (flavor.isMicrovm() && (firmware || !machineType.isEmpty())) {
            throw ApiException.badRequest(
                    "Flavor %s has %s=microvm, which %s, but %s %s."
                            .formatted(
                                    flavor.name(),
                                    Flavor.MACHINE,
                                    firmware ? "boots a kernel only" : "is no q35",
                                    what,
                                    firmware ? "is a disk to boot from" : "needs a q35"));
        }
    }

    private static ServerGroup group(Handle handle, String project, UUID id, int count) {
        Placement.lockGroup(handle, id);
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
            Actor actor, NewServers wanted, Ingredients ingredients, int index) {
        UUID id = UUID.randomUUID();
        String name =
                wanted.max() == 1 ? wanted.name() : "%s-%d".formatted(wanted.name(), index + 1);
        Instant now = Instant.now();
        return new Server(
                id,
                0,
                actor.projectId(),
                actor.userId(),
                name,
                wanted.description(),
                wanted.hostname().orElseGet(() -> Hostnames.of(name, id)),
                new Server.Origin(
                        ingredients.reservationId(),
                        index,
                        wanted.imageId(),
                        wanted.zone(),
                        wanted.forcedNode()),
                ingredients.boot(),
                ingredients.flavor(),
                new Server.Guest(
                        ingredients.key().map(Keypair::name),
                        ingredients.key().map(Keypair::publicKey).orElse(""),
                        wanted.password().hash(),
                        wanted.userData(),
                        wanted.metadata()),
                wanted.presentation(),
                wanted.group(),
                Optional.empty(),
                Lifecycle.State.initial(VmState.BUILDING, TaskState.SCHEDULING),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
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
