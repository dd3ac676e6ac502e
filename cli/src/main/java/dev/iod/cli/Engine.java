package dev.iod.cli;

import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** The packet engine of one node, asked and never told. */
final class Engine implements AutoCloseable {
    private static final long LIMIT_SECONDS = 20;

    private final String node;
    private final EngineClient client;

    Engine(Layout layout, String node) {
        this.node = node;
        Path socket = layout.node(node).resolve("eswitch.sock");
        if (!Files.exists(socket)) {
            throw new CliException(node + "-eswitch does not run (no " + socket + ")");
        }
        CountDownLatch connected = new CountDownLatch(1);
        client =
                EngineClient.open(
                        socket,
                        "iod",
                        new EngineClient.Listener() {
                            @Override
                            public void connected(EngineClient to) {
                                connected.countDown();
                            }

                            @Override
                            public void disconnected(String reason) {}

                            @Override
                            public void event(EngineEvent event) {}
                        });
        try {
            if (!connected.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                client.close();
                throw new CliException(node + "-eswitch does not answer on " + socket);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }

    <T> T ask(Function<EngineClient, CompletableFuture<T>> question) {
        try {
            return question.apply(client).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new CliException(node + "-eswitch: " + CliException.reason(cause), e);
        } catch (TimeoutException e) {
            throw new CliException(node + "-eswitch did not answer in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
