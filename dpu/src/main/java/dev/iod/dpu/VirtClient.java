package dev.iod.dpu;

import dev.iod.host.HostException;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.ProcessStatus;
import dev.iod.runtime.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The DPU's half of the hypervisor: one thread that runs the reconciler whenever something may have
 * changed (a new goal, an event of virtDaemon, a port that went live, an image that arrived) and
 * from time to time anyway. Goals and wake-ups coalesce; nothing queues.
 */
final class VirtClient implements AutoCloseable {
    private static final Logger LOG = System.getLogger(VirtClient.class.getName());

    private final String node;
    private final Reconciler reconciler;
    private final GoalFile file;
    private final Observations observations;
    private final AgentMetrics metrics;
    private final Runnable changed;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private volatile Optional<Goal> goal;
    private volatile boolean closed;

    /**
     * @param goal the one kept from before, if any
     * @param changed called when the observation changed
     */
    VirtClient(
            String node,
            Reconciler reconciler,
            GoalFile file,
            Optional<Goal> goal,
            Observations observations,
            AgentMetrics metrics,
            Runnable changed) {
        this.node = node;
        this.reconciler = reconciler;
        this.file = file;
        this.goal = goal;
        this.observations = observations;
        this.metrics = metrics;
        this.changed = changed;
        this.thread = Thread.ofPlatform().daemon().name("virt-client").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Takes a goal from the region; it is on disk when this returns. */
    void take(Goal next) {
        file.write(next);
        goal = Optional.of(next);
        wake();
    }

    /** Something may have changed. Any thread; never waits. */
    void wake() {
        wake.release();
    }

    private void run() {
        Backoff backoff = Backoff.ofConnection();
        while (!closed) {
            long pauseMillis;
            wake.drainPermits();
            try {
                pauseMillis = goal.map(this::pass).orElse(Long.MAX_VALUE);
                backoff.reset();
            } catch (HostException | DpuException e) {
                pauseMillis = backoff.next().toMillis();
                metrics.add(AgentMetrics.Count.FAILED_PASSES);
                LOG.log(Level.WARNING, "cannot reconcile reason=" + e.getMessage());
            } catch (RuntimeException e) {
                pauseMillis = backoff.next().toMillis();
                metrics.add(AgentMetrics.Count.FAILED_PASSES);
                LOG.log(Level.ERROR, "a defect in the reconciler", e);
            }
            try {
                if (wake.tryAcquire(pauseMillis, TimeUnit.MILLISECONDS)) {
                    continue;
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private long pass(Goal current) {
        Reconciler.Outcome outcome = reconciler.pass(current);
        metrics.add(AgentMetrics.Count.PASSES);
        long before = observations.version();
        Observed.Builder observed =
                Observed.newBuilder()
                        .setGoalRevision(current.getRevision())
                        .addAllServers(outcome.servers())
                        .addProcesses(
                                ProcessStatus.newBuilder()
                                        .setName(node + "-dpu")
                                        .setPid(ProcessHandle.current().pid()));
        outcome.diskMib().ifPresent(observed::setDiskMib);
        outcome.pool().ifPresent(observed::setPool);
        observations.put(observed.build());
        if (observations.version() != before) {
            changed.run();
        }
        return outcome.againMillis();
    }

    /** Machines, ports and connections stay as they are. */
    @Override
    public void close() {
        closed = true;
        Threads.stop(thread);
    }
}
