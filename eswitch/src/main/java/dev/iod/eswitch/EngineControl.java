package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.eswitch.DeviceManager.Difference;
import dev.iod.eswitch.base.Clock;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.rules.EntityStore;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.tunnel.Underlay;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.ReportCodec.Query;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * What agents may do to the engine. Transactions are applied one after the other: the next state is
 * built by the caller's thread, then taken over by the engine thread between two batches.
 */
final class EngineControl implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineControl.class.getName());
    private static final long ENGINE_TIMEOUT_SECONDS = 30;
    private static final long RETRY_MILLIS = 500;

    private final EngineThread engine;
    private final Core core;
    private final Underlay underlay;
    private final EntityStore store = new EntityStore();
    private final StateFile file;
    private final DeviceManager devices;
    private final Thread retries;
    private volatile boolean stopped;

    EngineControl(
            EngineThread engine,
            Core core,
            Underlay underlay,
            StateFile file,
            DeviceManager.PortFactory ports) {
        this.engine = engine;
        this.core = core;
        this.underlay = underlay;
        this.file = file;
        this.devices = new DeviceManager(ports);
        this.retries = Thread.ofPlatform().daemon().name("device-retry").unstarted(this::retry);
    }

    void start() {
        retries.start();
    }

    /** Applies changes or throws; returns when packets are handled by the new state. */
    synchronized void apply(List<EntityStore.Change> changes, boolean replace) {
        adopt(changes, replace);
        file.append(changes, replace, store.rows());
    }

    /**
     * Goes on with what the engine before this one was told.
     *
     * @param uplink asked for when the state is known and attached before the devices are: what
     *     guests sent meanwhile waits in their rings and may go there
     */
    synchronized void restore(Supplier<Optional<Attachment>> uplink) {
        PipelineState next = kept();
        underlay.want(next.tunnelAddresses());
        uplink.get().ifPresent(u -> hand(next, new Difference(List.of(u), List.of())));
        realize(next);
    }

    private PipelineState kept() {
        List<EntityStore.Change> rows = new ArrayList<>();
        file.read().forEach(row -> rows.add(new EntityStore.Change.Put(row)));
        try {
            return store.apply(rows, true);
        } catch (EngineException e) {
            // Rows of one transaction fit each other: this is a defect, and the agent will help.
            LOG.log(System.Logger.Level.ERROR, "the kept state is not used", e);
            return store.state();
        }
    }

    private void adopt(List<EntityStore.Change> changes, boolean replace) {
        Set<Integer> tunnels = store.state().tunnelAddresses();
        PipelineState next = store.apply(changes, replace);
        if (next.tunnelAddresses() != tunnels) {
            underlay.want(next.tunnelAddresses());
        }
        realize(next);
    }

    /** Opens and closes devices as the state says, and hands all over to the engine thread. */
    private void realize(PipelineState next) {
        Difference difference = devices.reconcile(next.devices());
        hand(next, difference);
        if (devices.hasFailed()) {
            notifyAll();
        }
    }

    /** One step between two batches each: no packet waits for more than one port. */
    private void hand(PipelineState next, Difference difference) {
        difference.detach().forEach(port -> run(() -> engine.detach(port)));
        run(() -> engine.adopt(next));
        difference.attach().forEach(port -> run(() -> engine.attach(port)));
    }

    private void run(Runnable step) {
        onEngine(
                () -> {
                    step.run();
                    return true;
                });
    }

    EngineReport answer(Query query) {
        return switch (query) {
            case Query.Counters q -> onEngine(engine::report);
            case Query.Devices q ->
                    onEngine(
                            () ->
                                    new EngineReport.Devices(
                                            engine.attachments().stream()
                                                    .map(Attachment::report)
                                                    .toList()));
            case Query.Flows q -> onEngine(() -> core.flows().report(q.max(), Clock.nowMillis()));
            case Query.Connections q ->
                    onEngine(
                            () ->
                                    core.packets()
                                            .connections(q.cursor(), q.max(), Clock.nowMillis()));
            case Query.Trace q -> onEngine(() -> core.packets().trace(q, Clock.nowMillis()));
        };
    }

    private <T> T onEngine(Supplier<T> command) {
        CompletableFuture<T> done = engine.call(command);
        try {
            return done.get(ENGINE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new EngineException(
                    Category.UNAVAILABLE,
                    "the engine did not answer within " + ENGINE_TIMEOUT_SECONDS + " s",
                    e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException(Category.UNAVAILABLE, "interrupted", e);
        }
    }

    /** Waits, without polling, until a device has failed, and then tries again now and then. */
    private synchronized void retry() {
        try {
            while (!stopped) {
                wait(devices.hasFailed() ? RETRY_MILLIS : 0);
                Difference difference = devices.retry();
                if (!difference.isEmpty()) {
                    hand(store.state(), difference);
                }
            }
        } catch (InterruptedException e) {
            LOG.log(System.Logger.Level.DEBUG, "stopping", e);
        }
    }

    @Override
    public void close() {
        stopped = true;
        retries.interrupt();
    }
}
