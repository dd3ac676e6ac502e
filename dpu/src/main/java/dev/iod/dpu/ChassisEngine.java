package dev.iod.dpu;

import dev.iod.engine.EngineException;
import dev.iod.ovn.Chassis;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Joins chassis and packet engine, which need each other: the chassis is made first and its commits
 * fail until {@link #connect}. So the engine hears nothing before everything that must stay plugged
 * is.
 */
final class ChassisEngine implements dev.iod.ovn.Engine, AutoCloseable {
    private static final Logger LOG = System.getLogger(ChassisEngine.class.getName());

    private volatile Optional<EngineClient> client = Optional.empty();

    @Override
    public CompletionStage<Void> commit(Change change) {
        return client.map(c -> dev.iod.ovn.Engine.over(c).commit(change))
                .orElseGet(
                        () ->
                                CompletableFuture.failedFuture(
                                        new EngineException(
                                                EngineException.Category.UNAVAILABLE,
                                                "not connected to the engine yet")));
    }

    void connect(Path socket, String node, Chassis chassis) {
        client = Optional.of(EngineClient.open(socket, node + "-dpu", new ToChassis(chassis)));
    }

    private record ToChassis(Chassis chassis) implements EngineClient.Listener {
        @Override
        public void connected(EngineClient client) {
            LOG.log(Level.INFO, "engine connected");
            chassis.engineConnected();
        }

        @Override
        public void disconnected(String reason) {
            LOG.log(Level.WARNING, "engine lost reason={0}", reason);
        }

        @Override
        public void event(EngineEvent event) {
            chassis.engineEvent(event);
        }
    }

    @Override
    public void close() {
        client.ifPresent(EngineClient::close);
    }
}
