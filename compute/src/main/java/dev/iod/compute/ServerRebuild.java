package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Ipv6;
import dev.iod.rest.Json;
import dev.iod.volume.ServerVolumes;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;

/**
 * {@code rebuild}: a server starts anew on a new root disk, of the same image or another, and keeps
 * its id, node, interfaces, addresses and volumes. The old root disk goes when its machine has
 * stopped, the new one is made then; one that cannot be made leaves the server in ERROR, as in
 * Nova. A server that boots a volume keeps that, and so its content.
 */
final class ServerRebuild {
    private final Parts parts;

    ServerRebuild(Parts parts) {
        this.parts = parts;
    }

    /**
     * @param wanted the value of {@code rebuild}, read by {@link Bodies#REBUILD}
     * @param password that the server has from now on
     * @return the server, as it is with that
     * @throws ApiException 400 for what cannot be, 403 beyond a quota, 409 in the wrong state
     */
    ServerShown rebuild(Actor actor, String id, JsonNode wanted, AdminPassword password) {
        refuseUnsupported(wanted);
        return parts.database()
                .locked(
                        handle -> {
                            Server server =
                                    ServerChanges.lockedWithNode(
                                            handle, actor, id, seen -> check(actor, seen));
                            rebuild(handle, actor, server, wanted, password);
                            return ServerShown.of(
                                    handle,
                                    parts,
                                    ServerStore.find(handle, server.id()).orElseThrow());
                        });
    }

    private static void check(Actor actor, Server server) {
        ServerChanges.refuseLocked(actor, server);
        ServerChanges.require(
                server,
                "rebuild",
                EnumSet.of(VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
                EnumSet.of(TaskState.NONE));
    }

    private static void refuseUnsupported(JsonNode wanted) {
        if (!wanted.path("personality").isEmpty()) {
            throw ApiException.badRequest(NewServers.NO_PERSONALITY);
        }
        if (!wanted.path("trusted_image_certificates").isEmpty()) {
            throw ApiException.badRequest(NewServers.NO_CERTIFICATES);
        }
    }

    private void rebuild(
            Handle handle, Actor actor, Server server, JsonNode wanted, AdminPassword password) {
        Server.Guest guest = guest(handle, actor, server, wanted, password);
        Server.Boot boot = boot(handle, actor, server, wanted.path("imageRef").stringValue());
        Server rebuilt = rebuilt(server, wanted, boot, guest);
        InstanceActions.begin(handle, actor, server, InstanceActions.Kind.REBUILD);
        Audit.record(handle, actor, "rebuild server", server.id().toString());
        // A flavor without a disk gives a root disk the size of its image, which may be another.
        Placement.resize(handle, server, RootDisks.mib(server), RootDisks.mib(rebuilt));
        ServerStore.rebuild(handle, rebuilt);
        boolean off = server.state().vm() == VmState.STOPPED;
        ServerChanges.ask(
                handle,
                rebuilt,
                state ->
                        state.asked(
                                TaskState.REBUILDING,
                                off ? Lifecycle.Wish.OFF : Lifecycle.Wish.ON,
                                1,
                                0));
    }

    private static Server rebuilt(
            Server server, JsonNode wanted, Server.Boot boot, Server.Guest guest) {
        Server.Presentation old = server.presentation();
        Server.Origin origin = server.origin();
        return new Server(
                server.id(),
                server.number(),
                server.projectId(),
                server.userId(),
                wanted.path("name").asString(server.name()),
                wanted.has("description")
                        ? wanted.path("description").stringValueOpt()
                        : server.description(),
                wanted.path("hostname").asString(server.hostname()),
                new Server.Origin(
                        origin.reservationId(),
                        origin.launchIndex(),
                        // As in Nova, empty tells that a volume is booted.
                        boot.volume() ? origin.imageId() : wanted.path("imageRef").stringValue(),
                        origin.requestedZone(),
                        origin.requestedNode()),
                boot,
                server.flavor(),
                guest,
                new Server.Presentation(
                        old.tags(),
                        wanted.path("OS-DCF:diskConfig").asString(old.diskConfig()),
                        wanted.path("accessIPv4").asString(old.accessIpv4()),
                        wanted.path("accessIPv6")
                                .stringValueOpt()
                                .flatMap(Ipv6::normalize)
                                .orElse(old.accessIpv6())),
                server.groupId(),
                server.node(),
                server.state(),
                server.rescue(),
                server.resize(),
                server.fault(),
                server.lock(),
                server.times());
    }

    private static Server.Guest guest(
            Handle handle, Actor actor, Server server, JsonNode wanted, AdminPassword password) {
        Server.Guest old = server.guest();
        Optional<String> keyName = old.keyName();
        String keyOpenssh = old.keyOpenssh();
        if (wanted.has("key_name")) {
            // Of who asks, who need not be who made the server, as in Nova.
            Optional<Keypair> key =
                    wanted.path("key_name")
                            .stringValueOpt()
                            .map(name -> Keypair.named(handle, actor, name));
            keyName = key.map(Keypair::name);
            keyOpenssh = key.map(Keypair::publicKey).orElse("");
        }
        Map<String, String> metadata =
                wanted.has("metadata") ? Json.map(wanted.path("metadata")) : old.metadata();
        ComputeQuotas.checkMetadata(handle, server.projectId(), metadata);
        return new Server.Guest(
                keyName,
                keyOpenssh,
                password.hash(),
                wanted.has("user_data")
                        ? wanted.path("user_data").stringValueOpt()
                        : old.userData(),
                metadata);
    }

    private Server.Boot boot(Handle handle, Actor actor, Server server, String image) {
        if (server.boot().volume()) {
            boolean same =
                    rootVolume(handle, server.id())
                            .map(volume -> ServerVolumes.image(handle, volume))
                            .map(of -> image.equals(of.get("image_id")))
                            .orElse(false);
            if (!same) {
                throw ApiException.badRequest(
                        ("Image %s is unacceptable: Unable to rebuild with a different image for a"
                                        + " volume-backed server.")
                                .formatted(image));
            }
            return server.boot();
        }
        Server.Boot boot =
                ServerCreation.boot(parts.images().resolve(handle, actor, image), server.flavor())
                        .onRootDisk(server.state().bootGeneration() + 1);
        // The names of devices are those that the guest gives them: a root disk is the first.
        if (RootDisks.mib(server.flavor(), boot) > 0
                && rootVolume(handle, server.id()).isPresent()) {
            throw ApiException.badRequest(
                    ("Image %s is unacceptable: its disk would be the server's first device, which"
                                    + " is a volume now. Detach that first.")
                            .formatted(image));
        }
        return boot;
    }

    /** The volume that is a server's first device. */
    static Optional<ServerVolumes.Attached> rootVolume(Handle handle, UUID server) {
        return ServerVolumes.of(handle, List.of(server)).getOrDefault(server, List.of()).stream()
                .filter(ServerVolumes.Attached::first)
                .findAny();
    }
}
