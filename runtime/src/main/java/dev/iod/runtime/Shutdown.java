package dev.iod.runtime;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Orderly stop: on SIGTERM (or {@link #run()}) closes what was registered, in that order, each
 * within a time limit, so that one stuck part cannot keep the process. Registration is bounded.
 */
public final class Shutdown {
    private static final Logger LOG = System.getLogger(Shutdown.class.getName());
    private static final int STEPS_LIMIT = 64;

    private record Step(String name, AutoCloseable part) {}

    private final List<Step> steps = new ArrayList<>();
    private final CountDownLatch started = new CountDownLatch(1);
    private final Duration stepLimit;
    private boolean ran;

    public Shutdown() {
        this(Duration.ofSeconds(5));
    }

    /**
     * @param stepLimit how long one part may take to close
     */
    public Shutdown(Duration stepLimit) {
        this.stepLimit = stepLimit;
    }

    /** Registers the next part to close. */
    public synchronized <T extends AutoCloseable> T add(String name, T part) {
        if (steps.size() >= STEPS_LIMIT) {
            throw new IllegalStateException("more than " + STEPS_LIMIT + " parts to shut down");
        }
        steps.add(new Step(name, part));
        return part;
    }

    /** Runs on SIGTERM, SIGINT and {@link System#exit}. */
    public void onSignal() {
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("shutdown").unstarted(this::run));
    }

    /** Waits until the stop begins. */
    public void await() throws InterruptedException {
        started.await();
    }

    /** Closes everything; a second call does nothing. */
    public void run() {
        List<Step> todo;
        synchronized (this) {
            if (ran) {
                return;
            }
            ran = true;
            todo = List.copyOf(steps);
        }
        started.countDown();
        for (Step step : todo) {
            close(step);
        }
        LOG.log(Level.INFO, "stopped");
    }

    private void close(Step step) {
        Thread closer =
                Thread.ofPlatform()
                        .daemon()
                        .name("stop-" + step.name)
                        .start(
                                () -> {
                                    try {
                                        step.part.close();
                                    } catch (Exception e) {
                                        LOG.log(Level.WARNING, "stop failed part=" + step.name, e);
                                    }
                                });
        try {
            if (!closer.join(stepLimit)) {
                LOG.log(Level.WARNING, "part={0} did not stop in {1}", step.name, stepLimit);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
