package dev.iod.bench;

import dev.iod.engine.EngineException;
import dev.iod.ovn.Chassis;
import dev.iod.ovn.Engine;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Joins chassis and engine, which need each other: made first, opened when the chassis is there.
 */
final class EngineLink implements Engine {
    private volatile Optional<EngineClient> client = Optional.empty();

    EngineClient open(Path socket, String name, Chassis chassis) {
        EngineClient opened =
                EngineClient.open(
                        socket,
                        name,
                        new EngineClient.Listener() {
                            @Override
                            public void connected(EngineClient ignored) {
                                chassis.engineConnected();
                            }

                            @Override
                            public void disconnected(String reason) {}

                            @Override
                            public void event(EngineEvent event) {
                                chassis.engineEvent(event);
                            }
                        });
        client = Optional.of(opened);
        return opened;
    }

    @Override
    public CompletionStage<Void> commit(Change change) {
        return client.map(c -> Engine.over(c).commit(change))
                .orElseGet(
                        () ->
                                CompletableFuture.failedFuture(
                                        new EngineException(
                                                EngineException.Category.UNAVAILABLE,
                                                "not connected to the engine yet")));
    }
}
