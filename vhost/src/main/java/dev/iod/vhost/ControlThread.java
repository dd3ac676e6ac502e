package dev.iod.vhost;

import dev.iod.sys.Epoll;
import dev.iod.sys.EventFd;
import dev.iod.sys.SysException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Waits for the front ends of all devices of this process: one thread and one epoll set, whatever
 * the number of devices. What comes is handled by a thread that is lent for as long as there is
 * something to do, and for one device by one at a time: handling may wait for the engine, for room
 * for an answer, or for what a hostile descriptor's file system takes to be closed, and then only
 * that device waits.
 */
final class ControlThread {
    /** No end of waiting. */
    static final long NEVER = Long.MAX_VALUE;

    private static final System.Logger LOG = System.getLogger(ControlThread.class.getName());
    private static final long ORIGIN = System.nanoTime();
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final int NO_DESCRIPTOR = -1;

    /** Lent threads that nobody needs for so long end. */
    private static final long KEEP_MILLIS = 1_000;

    /** Before another try, when the machine has no thread or no memory left to wait with. */
    private static final long EXHAUSTED_MILLIS = 1_000;

    /** Of all devices; a daemon that starts with the first of them. */
    static final ControlThread OF_PROCESS = new ControlThread();

    private final Epoll epoll = Epoll.create();
    private final EventFd doorbell = EventFd.create();
    private final ThreadPoolExecutor lent =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    KEEP_MILLIS,
                    TimeUnit.MILLISECONDS,
                    new SynchronousQueue<>(),
                    Thread.ofPlatform().name("vhost-front-end-", 0).daemon(true).factory());

    /** Guards everything below and what is waited for in each {@link Visit}. */
    private final Object lock = new Object();

    private final Map<Integer, Visit> byDescriptor = new HashMap<>();
    private final TreeSet<Visit> byTime =
            new TreeSet<>(
                    Comparator.<Visit>comparingLong(v -> v.waiting.untilNanos)
                            .thenComparingLong(v -> v.number));
    private long visits;

    private ControlThread() {
        epoll.add(doorbell.fd(), Epoll.READABLE);
        Thread.ofPlatform().name("vhost-control").daemon(true).start(this::run);
    }

    /** Nanoseconds since the class was loaded: ordered by value, as nanoTime() is not. */
    static long now() {
        return System.nanoTime() - ORIGIN;
    }

    /**
     * What a device waits for.
     *
     * @param descriptor to become readable; negative = none
     * @param untilNanos of {@link #now()}, or {@link #NEVER}
     * @param brief what is done next waits for nothing and nobody, so that no thread need be lent
     */
    record Wait(int descriptor, long untilNanos, boolean brief) {
        /** The device is gone. */
        static final Wait END = new Wait(NO_DESCRIPTOR, NEVER, false);

        static Wait readable(int descriptor, long untilNanos, boolean brief) {
            return new Wait(descriptor, untilNanos, brief);
        }

        static Wait millis(long millis, boolean brief) {
            return new Wait(NO_DESCRIPTOR, now() + millis * NANOS_PER_MILLI, brief);
        }
    }

    /** One device's place here. */
    final class Visit {
        private final Supplier<Wait> proceed;
        private final long number;

        /** {@link Wait#END} while it proceeds. */
        private Wait waiting = Wait.END;

        private boolean woken;

        private Visit(Supplier<Wait> proceed, long number) {
            this.proceed = proceed;
            this.number = number;
        }

        /** Goes on at once, or again after what it is doing now. Any thread. */
        void wake() {
            synchronized (lock) {
                if (waiting == Wait.END) {
                    woken = true;
                } else {
                    take(this);
                    await(this, Wait.millis(0, false));
                }
            }
        }

        private void go() {
            Wait next;
            try {
                next = proceed.get();
            } catch (RuntimeException e) {
                // Its guest would lose its network for good.
                LOG.log(Level.ERROR, "a vhost-user device stumbled over a defect", e);
                next = Wait.millis(EXHAUSTED_MILLIS, false);
            }
            synchronized (lock) {
                if (woken && next != Wait.END) {
                    woken = false;
                    next = Wait.millis(0, false);
                }
                await(this, next);
            }
        }
    }

    /**
     * Begins to serve a device at once.
     *
     * @param proceed goes on as far as possible without waiting for the front end, and says what to
     *     wait for; never called by two threads at once. The first call is brief.
     */
    Visit begin(Supplier<Wait> proceed) {
        synchronized (lock) {
            Visit visit = new Visit(proceed, visits++);
            await(visit, Wait.millis(0, true));
            return visit;
        }
    }

    private void await(Visit visit, Wait next) {
        if (next == Wait.END) {
            return;
        }
        visit.waiting = next;
        if (next.descriptor >= 0) {
            try {
                epoll.add(next.descriptor, Epoll.READABLE);
                byDescriptor.put(next.descriptor, visit);
            } catch (SysException e) {
                LOG.log(Level.WARNING, "a front end is looked at once a second", e);
                visit.waiting = Wait.millis(EXHAUSTED_MILLIS, next.brief);
            }
        }
        if (visit.waiting.untilNanos != NEVER) {
            byTime.add(visit);
            if (byTime.first() == visit) {
                doorbell.signal();
            }
        }
    }

    /** Ends a wait. */
    private Wait take(Visit visit) {
        Wait ended = visit.waiting;
        byTime.remove(visit);
        if (ended.descriptor >= 0 && byDescriptor.remove(ended.descriptor) != null) {
            epoll.remove(ended.descriptor);
        }
        visit.waiting = Wait.END;
        return ended;
    }

    private void run() {
        List<Visit> brief = new ArrayList<>();
        List<Visit> others = new ArrayList<>();
        while (true) {
            try {
                int ready = epoll.await(timeoutMillis());
                collect(ready, brief, others);
                others.forEach(this::lend);
                brief.forEach(Visit::go);
            } catch (RuntimeException e) {
                LOG.log(Level.ERROR, "the control thread stumbled over a defect", e);
            }
            others.clear();
            brief.clear();
        }
    }

    private int timeoutMillis() {
        synchronized (lock) {
            if (byTime.isEmpty()) {
                return -1;
            }
            long left = byTime.first().waiting.untilNanos - now();
            return Math.clamp(-Math.floorDiv(-left, NANOS_PER_MILLI), 0, Integer.MAX_VALUE);
        }
    }

    /** What is due: each device at most once, so a turn is bounded by their number. */
    private void collect(int ready, List<Visit> brief, List<Visit> others) {
        synchronized (lock) {
            for (int i = 0; i < ready; i++) {
                int descriptor = epoll.readyDescriptor(i);
                if (descriptor == doorbell.fd()) {
                    doorbell.drain();
                }
                // One that was woken meanwhile is not there any more.
                Optional.ofNullable(byDescriptor.get(descriptor))
                        .ifPresent(visit -> (take(visit).brief ? brief : others).add(visit));
            }
            long now = now();
            while (!byTime.isEmpty() && byTime.first().waiting.untilNanos <= now) {
                Visit visit = byTime.first();
                (take(visit).brief ? brief : others).add(visit);
            }
        }
    }

    private void lend(Visit visit) {
        try {
            lent.execute(visit::go);
        } catch (OutOfMemoryError e) {
            // The kernel gives this process no more threads; those that are there come back.
            LOG.log(Level.WARNING, "no thread for a front end: " + e.getMessage());
            synchronized (lock) {
                await(visit, Wait.millis(EXHAUSTED_MILLIS, false));
            }
        }
    }
}
