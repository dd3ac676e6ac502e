package dev.iod.dpu;

import dev.iod.host.ConsoleKind;
import dev.iod.node.RegionGrpc;
import dev.iod.node.Traits;
import dev.iod.node.UseConsole;
import io.grpc.Channel;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.ByteChannel;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Carries consoles between virtDaemon and the region, each by a call that this node opens when the
 * region asks for it; {@link Traits#MAX_CONSOLES} at a time.
 */
final class Consoles {
    private static final Logger LOG = System.getLogger(Consoles.class.getName());

    private final Channel region;
    private final Machines machines;
    private final Semaphore free = new Semaphore(Traits.MAX_CONSOLES);

    Consoles(Channel region, Machines machines) {
        this.region = region;
        this.machines = machines;
    }

    /** Opens a console as it was asked for. Never waits. */
    void use(UseConsole request) {
        if (!free.tryAcquire()) {
            LOG.log(
                    Level.WARNING,
                    "console not opened server={0} reason=too many are in use",
                    request.getServerId());
            return; // The region counts them too, and gives up.
        }
        Thread.ofVirtual()
                .name("console-" + request.getServerId())
                .start(
                        () -> {
                            try {
                                carry(request);
                            } finally {
                                free.release();
                            }
                        });
    }

    private void carry(UseConsole request) {
        Optional<ByteChannel> console = Optional.empty();
        String error = "";
        try {
            console = Optional.of(machines.use(request.getServerId(), kind(request)));
        } catch (RuntimeException e) {
            error = Optional.ofNullable(e.getMessage()).orElse(e.toString());
        }
        LOG.log(
                Level.INFO,
                "console server={0} kind={1} {2}",
                request.getServerId(),
                request.getKind(),
                error.isEmpty() ? "in use" : "not opened reason=" + error);
        ConsoleCall call = new ConsoleCall(console);
        RegionGrpc.newStub(region).console(call);
        call.carry(request.getUseId(), error);
        LOG.log(Level.INFO, "console server={0} left", request.getServerId());
    }

    private static ConsoleKind kind(UseConsole request) {
        return switch (request.getKind()) {
            case CONSOLE_SERIAL -> ConsoleKind.SERIAL;
            case CONSOLE_VNC -> ConsoleKind.VNC;
            case UNRECOGNIZED ->
                    throw new DpuException(
                            DpuException.Category.GOAL, "a console that this node does not know");
        };
    }
}
