package dev.iod.eswitch;

import dev.iod.eswitch.base.Clock;
import dev.iod.eswitch.connections.ConnectionTable;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.ports.Port;
import dev.iod.eswitch.ports.ServicePort;
import dev.iod.eswitch.ports.VhostUserPort;
import dev.iod.eswitch.tunnel.Underlay;
import dev.iod.pipeline.Entity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** All parts of an engine, joined and running. */
record RunningEngine(
        EngineThread engine, EngineControl control, AgentServer server, ConnectionTable connections)
        implements AutoCloseable {

    /**
     * Goes on with the connections and the state that an engine before this one left in the tables,
     * and then listens for agents.
     *
     * @param uplink opens it, while the state is read: half the time of a start
     */
    static RunningEngine start(
            EngineConfig config, Underlay underlay, Supplier<Optional<Attachment>> uplink)
            throws IOException {
        CompletableFuture<Optional<Attachment>> opening =
                CompletableFuture.supplyAsync(
                        uplink, task -> Thread.ofPlatform().daemon().name("uplink").start(task));
        ConnectionTable connections =
                ConnectionTable.open(config.tables(), config.connections(), Clock.nowMillis());
        Core core =
                Core.of(
                        connections,
                        config.flows(),
                        config.limits(),
                        underlay,
                        config.encapsulation());
        EngineThread engine = new EngineThread(core, config.cpu());
        EngineControl control =
                new EngineControl(
                        engine,
                        core,
                        underlay,
                        new StateFile(config.tables()),
                        device -> openDevice(device, config.requireSealed()));
        engine.start();
        control.start();
        control.restore(() -> join(opening));
        AgentServer server = AgentServer.start(control, core.events(), config.socket());
        return new RunningEngine(engine, control, server, connections);
    }

    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private static Port openDevice(Entity.Device device, boolean requireSealed) {
        return switch (device.kind()) {
            case Entity.Kind.VhostUser k ->
                    new VhostUserPort(
                            device.name(),
                            Path.of(k.socketPath()),
                            device.mtuBytes(),
                            requireSealed);
            case Entity.Kind.Service k -> ServicePort.open(k);
        };
    }

    @Override
    public void close() {
        server.close();
        control.close();
        engine.close();
        connections.close();
    }
}
