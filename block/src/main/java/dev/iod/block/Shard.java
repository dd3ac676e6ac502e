package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.sys.Epoll;
import dev.iod.sys.EventFd;
import dev.iod.sys.IoUring;
import dev.iod.sys.Linux;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * One thread that owns volumes: their virtqueues, one io_uring and its timers. Takes from all
 * volumes in turn, gives everything to the kernel in one call, answers what is complete. With
 * nothing to do it looks around for a moment and then sleeps in the kernel until a guest kicks, a
 * transfer ends, a limit allows more or a command comes.
 */
final class Shard implements ShardContext, AutoCloseable {
    private static final int RING_ENTRIES = 1024;
    private static final long WAKE_TOKEN = -1;

    /**
     * Limits never end a sleep sooner, and what they have allowed meanwhile starts together: at any
     * rate and with any number of volumes they wake the shard at most once in this time, and no
     * request starts later than this after it might.
     */
    private static final long LIMIT_SLEEP_NANOS = 1_000_000;

    private final OptionalInt cpu;
    private final long spinNanos;
    private final Epoll epoll = Epoll.create();
    private final EventFd wake = EventFd.create();
    private final ConcurrentLinkedQueue<Runnable> commands = new ConcurrentLinkedQueue<>();
    private final List<VirtioFront> fronts = new ArrayList<>();
    private final List<Leaving> leaving = new ArrayList<>();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::atNanos));
    private final CountDownLatch started = new CountDownLatch(1);
    private final Thread thread;

    private RingTask[] tasks = new RingTask[0];
    private int[] freeTokens = new int[0];
    private int freeCount;

    /** Entries given to the ring and not complete, the wake-up aside. */
    private final Kernel kernel = new Kernel();

    private boolean wakeArmed;
    private volatile boolean stopped;

    private record Timer(long atNanos, Runnable task) {}

    private record Leaving(VirtioFront front, CompletableFuture<VirtioFront> done) {}

    /** What only exists once the thread runs: the ring belongs to the thread that made it. */
    private static final class Kernel {
        private IoUring ring;
        private BouncePool bounces;

        @SuppressWarnings("NullAway.Init") // open() is the first thing the thread does
        Kernel() {}

        void open() {
            ring = IoUring.open(RING_ENTRIES);
            bounces = new BouncePool(ring);
        }

        void close() {
            ring.close();
            bounces.close();
        }
    }

    /**
     * @param spinNanos how long to look around before sleeping
     */
    Shard(String name, OptionalInt cpu, long spinNanos) {
        this.cpu = cpu;
        this.spinNanos = spinNanos;
        thread = Thread.ofPlatform().name(name).unstarted(this::run);
        epoll.add(wake.fd(), Epoll.READABLE);
    }

    /** Starts the thread; returns when its ring is open. */
    void start() throws InterruptedException {
        thread.start();
        started.await();
    }

    @Override
    public IoUring ring() {
        return kernel.ring;
    }

    BouncePool bounces() {
        return kernel.bounces;
    }

    @Override
    public int register(RingTask task) {
        if (freeCount == 0) {
            grow();
        }
        int token = freeTokens[--freeCount];
        tasks[token] = task;
        return token;
    }

    private void grow() {
        int old = tasks.length;
        int size = Math.max(256, old * 2);
        tasks = java.util.Arrays.copyOf(tasks, size);
        freeTokens = java.util.Arrays.copyOf(freeTokens, size);
        for (int token = size - 1; token >= old; token--) {
            tasks[token] = result -> {};
            freeTokens[freeCount++] = token;
        }
    }

    @Override
    public void unregister(int token) {
        tasks[token] = result -> {};
        freeTokens[freeCount++] = token;
    }

    @Override
    public void execute(Runnable task) {
        commands.add(task);
        wake.signal();
    }

    @Override
    public void schedule(long delayNanos, Runnable task) {
        timers.add(new Timer(System.nanoTime() + delayNanos, task));
    }

    /** Runs something on the shard's thread and hands its result back; any thread. */
    <T> CompletableFuture<T> call(Supplier<T> command) {
        CompletableFuture<T> future = new CompletableFuture<>();
        execute(
                () -> {
                    try {
                        future.complete(command.get());
                    } catch (RuntimeException e) {
                        future.completeExceptionally(e);
                    }
                });
        if (stopped) {
            future.completeExceptionally(
                    new EngineException(
                            EngineException.Category.UNAVAILABLE, "the engine is stopping"));
        }
        return future;
    }

    /** Shard thread: serves a volume from now on. */
    void attach(VirtioFront front) {
        fronts.add(front);
        epoll.add(front.wakeDescriptor(), Epoll.READABLE);
    }

    /** Ends a volume when everything it has taken is answered; any thread. */
    CompletableFuture<VirtioFront> detach(VirtioFront front) {
        CompletableFuture<VirtioFront> done = new CompletableFuture<>();
        execute(
                () -> {
                    front.beginClose();
                    leaving.add(new Leaving(front, done));
                });
        return done;
    }

    private void run() {
        cpu.ifPresent(Linux::pinThread);
        kernel.open();
        started.countDown();
        long lastWorkNanos = System.nanoTime();
        while (!stopped || !fronts.isEmpty()) {
            boolean worked = runCommands();
            long nowNanos = System.nanoTime();
            worked |= runTimers(nowNanos);
            for (int i = 0; i < fronts.size(); i++) {
                worked |= fronts.get(i).poll(nowNanos);
            }
            worked |= reap();
            for (int i = 0; i < fronts.size(); i++) {
                fronts.get(i).publish();
            }
            if (!leaving.isEmpty()) {
                letGo();
            }
            if (worked) {
                lastWorkNanos = nowNanos;
            } else if (nowNanos - lastWorkNanos >= spinNanos || busyInKernel()) {
                sleep(nowNanos);
                lastWorkNanos = System.nanoTime();
            } else {
                Thread.onSpinWait();
            }
        }
        kernel.close();
        epoll.close();
    }

    private boolean runCommands() {
        boolean any = false;
        for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
            command.run();
            any = true;
        }
        return any;
    }

    private boolean runTimers(long nowNanos) {
        boolean any = false;
        while (!timers.isEmpty() && timers.peek().atNanos() - nowNanos <= 0) {
            timers.remove().task().run();
            any = true;
        }
        return any;
    }

    private boolean busyInKernel() {
        for (int i = 0; i < fronts.size(); i++) {
            if (!fronts.get(i).idle()) {
                return true;
            }
        }
        return false;
    }

    /** Gives the kernel what is queued and works off what is complete. */
    private boolean reap() {
        IoUring ring = kernel.ring;
        if (ring.queued() > 0 || ring.workPending()) {
            ring.submit();
        }
        boolean any = false;
        while (ring.hasCompletion()) {
            long token = ring.token();
            int result = ring.result();
            ring.advance();
            any = true;
            if (token == WAKE_TOKEN) {
                awake();
            } else {
                tasks[(int) token].completed(result);
            }
        }
        Transfer.serveWaiting(kernel.bounces);
        return any;
    }

    private void awake() {
        wakeArmed = false;
        int ready = epoll.await(0);
        for (int i = 0; i < ready; i++) {
            int fd = epoll.readyDescriptor(i);
            if (fd == wake.fd()) {
                wake.drain();
            } else {
                drain(fd);
            }
        }
    }

    private void drain(int fd) {
        for (int i = 0; i < fronts.size(); i++) {
            if (fronts.get(i).wakeDescriptor() == fd) {
                fronts.get(i).drainWakeups();
            }
        }
    }

    private void sleep(long nowNanos) {
        long limitNanos = Long.MAX_VALUE;
        for (int i = 0; i < fronts.size(); i++) {
            limitNanos = Math.min(limitNanos, fronts.get(i).wakeAfterNanos(nowNanos));
        }
        boolean soon = limitNanos <= LIMIT_SLEEP_NANOS;
        int armed = 0;
        boolean quiet = true;
        while (quiet && armed < fronts.size()) {
            quiet = fronts.get(armed++).armWakeup(soon);
        }
        if (quiet && commands.isEmpty() && !(stopped && fronts.isEmpty())) {
            if (!wakeArmed) {
                kernel.ring.pollReadable(epoll.fd(), WAKE_TOKEN);
                wakeArmed = true;
            }
            long timerNanos =
                    timers.isEmpty() ? Long.MAX_VALUE : timers.peek().atNanos() - nowNanos;
            long timeoutNanos = Math.min(timerNanos, Math.max(limitNanos, LIMIT_SLEEP_NANOS));
            kernel.ring.await(timeoutNanos == Long.MAX_VALUE ? -1 : Math.max(0, timeoutNanos));
        }
        for (int i = 0; i < armed; i++) {
            fronts.get(i).disarmWakeup();
        }
    }

    private void letGo() {
        for (int i = leaving.size() - 1; i >= 0; i--) {
            Leaving each = leaving.get(i);
            if (each.front.idle()) {
                leaving.remove(i);
                fronts.remove(each.front);
                epoll.remove(each.front.wakeDescriptor());
                each.front.close();
                each.done.complete(each.front);
            }
        }
    }

    /** Ends the thread when its volumes are detached. */
    @Override
    public void close() {
        stopped = true;
        wake.signal();
        try {
            thread.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
