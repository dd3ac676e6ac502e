package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.volume.ServerVolumes;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * {@code rescue} and {@code unrescue}: a server boots its image anew, or another, from a rescue
 * disk, with its own disks behind that one. The rescue disk is allocated beside them and goes with
 * the end of the rescue, which is whatever makes the server boot its own disks again.
 */
final class ServerRescue {
    private final Parts parts;

    ServerRescue(Parts parts) {
        this.parts = parts;
    }

    /**
     * @param image empty for the server's own
     * @param volumes whether a server that boots a volume may be rescued
     * @throws ApiException 400 when it cannot be rescued, 409 in the wrong state
     */
    void rescue(
            Actor actor,
            String id,
            Optional<String> image,
            AdminPassword password,
            boolean volumes) {
        parts.database()
                .runLocked(
                        handle -> {
                            Server server =
                                    ServerChanges.lockedWithNode(
                                            handle, actor, id, seen -> check(actor, seen));
                            Server.Boot boot = boot(handle, actor, server, image, volumes);
                            begin(handle, actor, server, boot, password);
                        });
    }

    private static void check(Actor actor, Server server) {
        ServerChanges.refuseLocked(actor, server);
        ServerChanges.require(
                server,
                "rescue",
                EnumSet.of(VmState.ACTIVE, VmState.STOPPED, VmState.ERROR),
                EnumSet.of(TaskState.NONE));
    }

    private static void begin(
            Handle handle, Actor actor, Server server, Server.Boot boot, AdminPassword password) {
        long bytes = RootDisks.rescueBytes(boot);
        int others =
                (RootDisks.of(server).isPresent() ? 1 : 0)
                        + ServerVolumes.of(handle, List.of(server.id()))
                                .getOrDefault(server.id(), List.of())
                                .size();
        if (bytes > 0 && others >= ServerVolumes.MAX_DISKS) {
            throw notRescuable(server, "it has %d disks, as many as it may".formatted(others));
        }
        InstanceActions.begin(handle, actor, server, InstanceActions.Kind.RESCUE);
        Audit.record(handle, actor, "rescue server", server.id().toString());
        long before = RootDisks.mib(server);
        Server.Rescue rescue =
                new Server.Rescue(
                        boot, server.state().bootGeneration() + 1, bytes, password.hash());
        ServerStore.setRescue(handle, server.id(), Optional.of(rescue));
        Server rescued = ServerStore.find(handle, server.id()).orElseThrow();
        Placement.resize(handle, server, before, RootDisks.mib(rescued));
        ServerChanges.ask(
                handle,
                rescued,
                state -> state.asked(TaskState.RESCUING, Lifecycle.Wish.RESCUE, 1, 0));
    }

    private Server.Boot boot(
            Handle handle,
            Actor actor,
            Server server,
            Optional<String> reference,
            boolean volumes) {
        if (server.boot().volume() && !volumes) {
            throw notRescuable(server, "Cannot rescue a volume-backed instance");
        }
        if (reference.isEmpty()) {
            if (server.boot().volume()) {
                throw notRescuable(server, "it has no image, so a rescue image has to be named");
            }
            return server.boot();
        }
        Images.Bootable image = parts.images().resolve(handle, actor, reference.get());
        return ServerCreation.bootWithAnyDisk(image, server.flavor());
    }

    private static ApiException notRescuable(Server server, String why) {
        return ApiException.badRequest(
                "Instance %s cannot be rescued: %s".formatted(server.id(), why));
    }

    /** It boots its own disks again: the rescue disk goes, and what it took. */
    static void end(Handle handle, Server server) {
        long before = RootDisks.mib(server);
        ServerStore.setRescue(handle, server.id(), Optional.empty());
        Placement.resize(handle, server, before, RootDisks.mibWithoutRescue(server));
    }
}
