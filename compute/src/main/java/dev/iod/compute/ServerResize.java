package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.node.Traits;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Nodes;
import dev.iod.region.ResourceClass;
import dev.iod.rest.ApiException;
import dev.iod.volume.ServerVolumes;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * {@code resize}, {@code confirmResize} and {@code revertResize}: a server gets another flavor on
 * its own node. Its root disk is another one too, which starts as the one before when its machine
 * has stopped; that one stays until the resize is confirmed, or is the server's again when it is
 * reverted. What fails on the way is reverted by itself. Meanwhile the server takes the greater of
 * both flavors of its node and of its project's quota, and the room of both disks.
 */
final class ServerResize {
    private final Parts parts;

    ServerResize(Parts parts) {
        this.parts = parts;
    }

    /**
     * A server whose node has no room stays as it is, and its action says why.
     *
     * @param flavorId of the other flavor
     * @param diskConfig what the server's is from now on
     * @throws ApiException 400 when it cannot have the flavor, 403 beyond a quota, 409 in the wrong
     *     state
     */
    void resize(Actor actor, String id, String flavorId, Optional<String> diskConfig) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server seen = ServerChanges.visible(handle, actor, id);
                            check(actor, seen);
                            // What is refused anyway locks nothing.
                            ComputeQuotas.admit(
                                    handle, seen, flavor(handle, actor, seen, flavorId));
                            // Before the node and the server, as whoever makes servers does.
                            ComputeQuotas.lock(handle, seen.projectId());
                            Server server =
                                    ServerChanges.lockedWithNode(
                                            handle, actor, id, one -> check(actor, one));
                            Flavor flavor = flavor(handle, actor, server, flavorId);
                            ComputeQuotas.admit(handle, server, flavor);
                            begin(handle, actor, server, flavor, diskConfig);
                        });
    }

    private static void check(Actor actor, Server server) {
        ServerChanges.refuseLocked(actor, server);
        ServerChanges.require(
                server,
                "resize",
                EnumSet.of(VmState.ACTIVE, VmState.STOPPED),
                EnumSet.of(TaskState.NONE));
    }

    private Flavor flavor(Handle handle, Actor actor, Server server, String id) {
        Flavor flavor =
                Flavor.find(handle, actor, id)
                        .filter(found -> !found.disabled())
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Flavor %s could not be found.".formatted(id)));
        if (flavor.id().equals(server.flavor().id())) {
            throw ApiException.badRequest("When resizing, instances must change flavor!");
        }
        RootDisks.check(flavor);
        checkNode(handle, server, flavor);
        checkDisk(handle, server, flavor);
        checkImage(handle, actor, server, flavor);
        return flavor;
    }

    /** A node of an older release would lose the disk. */
    private static void checkNode(Handle handle, Server server, Flavor flavor) {
        boolean disk = RootDisks.mib(server.flavor(), server.boot()) > 0;
        boolean diskThen = RootDisks.mib(flavor, server.boot()) > 0;
        if ((disk || diskThen)
                && server.node()
                        .filter(node -> !Nodes.having(handle, Traits.RESIZES).contains(node))
                        .isPresent()) {
            throw ApiException.conflict(
                    "The node of %s cannot copy its disk: its agent is of an older release."
                            .formatted(server.id()));
        }
    }

    private static void checkDisk(Handle handle, Server server, Flavor flavor) {
        long now = RootDisks.mib(server.flavor(), server.boot());
        long then = RootDisks.mib(flavor, server.boot());
        if (!server.boot().volume() && server.flavor().diskGib() > 0 && flavor.diskGib() == 0) {
            throw cannotResizeDisk("Resize to zero disk flavor is not allowed.");
        }
        if (then < now) {
            throw cannotResizeDisk(
                    "Flavor %s has a disk of %d MiB, and the server's has %d already."
                            .formatted(flavor.name(), then, now));
        }
        // The names of devices are those that the guest gives them: a root disk is the first.
        if (now == 0 && then > 0 && ServerRebuild.rootVolume(handle, server.id()).isPresent()) {
            throw cannotResizeDisk(
                    "It would be the server's first device, which is a volume now. Detach that"
                            + " first.");
        }
    }

    private static ApiException cannotResizeDisk(String reason) {
        return ApiException.badRequest("Server disk was unable to be resized because: " + reason);
    }

    /** An image that is gone asks for nothing any more. */
    private void checkImage(Handle handle, Actor actor, Server server, Flavor flavor) {
        String image = server.origin().imageId();
        Images.Heritage said =
                image.isEmpty()
                        ? Images.Heritage.NONE
                        : parts.images().heritage(handle, actor, image);
        Map<String, String> ofVolume =
                ServerRebuild.rootVolume(handle, server.id())
                        .filter(server::boots)
                        .map(volume -> ServerVolumes.image(handle, volume))
                        .orElse(Map.of());
        long memoryMib =
                Math.max(said.minRamMib(), Long.parseLong(ofVolume.getOrDefault("min_ram", "0")));
        if (memoryMib > flavor.memoryMib()) {
            throw ServerCreation.memoryTooSmall();
        }
        ServerCreation.checkMachine(
                flavor,
                "what the server boots",
                server.boot().byFirmware(),
                said.properties().getOrDefault("hw_machine_type", ""));
    }

    private static void begin(
            Handle handle, Actor actor, Server server, Flavor flavor, Optional<String> diskConfig) {
        InstanceActions.begin(handle, actor, server, InstanceActions.Kind.RESIZE);
        Audit.record(handle, actor, "resize server", server.id().toString());
        boolean off = server.state().vm() == VmState.STOPPED;
        Server resized =
                server.resized(
                        flavor,
                        server.state().bootGeneration() + 1,
                        Optional.of(
                                new Server.Resize(
                                        server.flavor(), server.boot().rootDisk(), off, false)));
        Optional<ResourceClass> lacking = Placement.take(handle, resized);
        if (lacking.isPresent()) {
            InstanceActions.finish(handle, server.id(), Optional.of(noValidHost(lacking.get())));
            return;
        }
        ServerStore.setFlavor(handle, resized);
        diskConfig.ifPresent(config -> ServerStore.setDiskConfig(handle, server.id(), config));
        ServerChanges.ask(
                handle,
                resized,
                state ->
                        state.asked(
                                TaskState.RESIZE_PREP,
                                off ? Lifecycle.Wish.OFF : Lifecycle.Wish.ON,
                                1,
                                0));
    }

    private static Failure noValidHost(ResourceClass lacking) {
        String what =
                switch (lacking) {
                    case VCPU -> "vCPUs";
                    case MEMORY_MB -> "memory";
                    case DISK_MB -> "disk";
                };
        return new Failure(
                "No valid host was found. The server's node is short of %s.".formatted(what), "");
    }

    /**
     * The other flavor is the server's own; the root disk from before goes.
     *
     * @throws ApiException 409 in the wrong state
     */
    void confirm(Actor actor, String id) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server = lockedResized(handle, actor, id, "confirmResize");
                            Server confirmed =
                                    server.resized(
                                            server.flavor(),
                                            server.boot().rootDisk(),
                                            Optional.empty());
                            ServerStore.setFlavor(handle, confirmed);
                            Placement.take(handle, confirmed);
                            ServerChanges.ask(handle, confirmed, Lifecycle.State::confirmed);
                            InstanceActions.done(
                                    handle, actor, server, InstanceActions.Kind.CONFIRM_RESIZE);
                            Audit.record(
                                    handle,
                                    actor,
                                    "confirm resize of server",
                                    server.id().toString());
                        });
    }

    /**
     * The server gets back the flavor and the root disk that it had.
     *
     * @throws ApiException 409 in the wrong state
     */
    void revert(Actor actor, String id) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server = lockedResized(handle, actor, id, "revertResize");
                            InstanceActions.begin(
                                    handle, actor, server, InstanceActions.Kind.REVERT_RESIZE);
                            Audit.record(
                                    handle,
                                    actor,
                                    "revert resize of server",
                                    server.id().toString());
                            turnBack(handle, server);
                        });
    }

    private static Server lockedResized(Handle handle, Actor actor, String id, String verb) {
        return ServerChanges.lockedWithNode(
                handle,
                actor,
                id,
                seen -> {
                    ServerChanges.refuseLocked(actor, seen);
                    ServerChanges.require(
                            seen, verb, EnumSet.of(VmState.RESIZED), EnumSet.of(TaskState.NONE));
                });
    }

    /** Its node could not give it the other flavor: that is the end of the action. */
    static void undo(Handle handle, Server server, Failure why) {
        InstanceActions.finish(handle, server.id(), Optional.of(why));
        turnBack(handle, server);
    }

    /** What it leaves is still allocated, because its machine may still have it. */
    private static void turnBack(Handle handle, Server server) {
        Server.Resize resize = server.resize().orElseThrow();
        Server back =
                server.resized(
                        resize.flavor(),
                        resize.rootDisk(),
                        Optional.of(
                                new Server.Resize(
                                        server.flavor(),
                                        server.boot().rootDisk(),
                                        resize.off(),
                                        true)));
        ServerStore.setFlavor(handle, back);
        ServerChanges.ask(
                handle,
                back,
                state ->
                        state.asked(
                                TaskState.RESIZE_REVERTING,
                                resize.off() ? Lifecycle.Wish.OFF : Lifecycle.Wish.ON,
                                1,
                                0));
    }

    static boolean reverting(Server server) {
        return server.resize().filter(Server.Resize::reverting).isPresent();
    }

    /** The machine with the flavor that was left has stopped. */
    static void settle(Handle handle, Server server) {
        if (reverting(server)) {
            Server settled =
                    server.resized(server.flavor(), server.boot().rootDisk(), Optional.empty());
            ServerStore.setFlavor(handle, settled);
            Placement.take(handle, settled);
        }
    }
}
