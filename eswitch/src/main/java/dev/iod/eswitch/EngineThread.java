package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.base.Clock;
import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.forward.PacketEngine;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import dev.iod.sys.Epoll;
import dev.iod.sys.EventFd;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;

/**
 * The engine thread: takes packets from all ports in turn and runs each to completion. Spins for a
 * moment after the last packet, then sleeps until a port or a command wakes it. Everything of the
 * data plane belongs to this thread; others hand it commands.
 */
final class EngineThread implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());
    private static final long SPIN_NANOS = 50_000;

    /** Commands between two rounds of the ports; the rest waits for the next round. */
    static final int MOST_COMMANDS = 8;

    /** How often a port's failure to receive is logged; all are counted. */
    private static final long FAILURE_LOG_MILLIS = 10_000;

    private static final int STACK_BYTES = 16 << 20;

    /** Packets go before everything that only prepares for them: compilers, collectors, agents. */
    private static final int NICE = -15;

    /** The shortest there are: it wakes for packets that wait, and sleeps soon. */
    private static final long SLICE_NANOS = 100_000;

    private final Core core;
    private final PacketEngine engine;
    private final Counters counters;
    private final OptionalInt cpu;
    private final Epoll epoll = Epoll.create();
    private final EventFd wake = EventFd.create();
    private final ConcurrentLinkedQueue<Runnable> commands = new ConcurrentLinkedQueue<>();
    private final Turns turns;
    private final Housekeeping housekeeping;
    private final PacketBatch batch;
    private final List<Attachment> attachments = new ArrayList<>();
    private final Thread thread;
    private volatile boolean stopped;

    /**
     * @param cpu processor it stays on; empty = any
     */
    EngineThread(Core core, OptionalInt cpu) {
        this.core = core;
        this.engine = core.packets();
        this.counters = core.counters();
        this.cpu = cpu;
        this.turns = new Turns(counters);
        this.housekeeping = new Housekeeping(core);
        long bytes = (long) PacketBatch.CAPACITY * PacketBatch.STRIDE;
        this.batch = new PacketBatch(Mapping.anonymous(bytes).address());
        this.thread = new Thread(null, this::run, "engine", STACK_BYTES);
        epoll.add(wake.fd(), Epoll.READABLE);
    }

    void start() {
        thread.start();
    }

    /** Runs something on the engine thread, between two batches. */
    <T> CompletableFuture<T> call(Supplier<T> command) {
        CompletableFuture<T> future = new CompletableFuture<>();
        commands.add(
                () -> {
                    try {
                        future.complete(command.get());
                    } catch (RuntimeException e) {
                        future.completeExceptionally(e);
                    }
                });
        wake.signal();
        if (stopped) {
            future.completeExceptionally(
                    new EngineException(
                            EngineException.Category.UNAVAILABLE, "the engine is stopping"));
        }
        return future;
    }

    /** Engine thread: the state all further packets are handled by. */
    void adopt(PipelineState next) {
        assertOwner();
        engine.adopt(next);
    }

    /** Engine thread. */
    void attach(Attachment attachment) {
        assertOwner();
        attachments.add(attachment);
        engine.attach(attachment);
        for (int fd : attachment.port.wakeDescriptors()) {
            epoll.add(fd, Epoll.READABLE);
        }
    }

    /** Engine thread: forgets a port and closes it; what it dropped itself stays counted. */
    void detach(Attachment attachment) {
        assertOwner();
        if (attachments.remove(attachment)) {
            for (DropReason reason : DropReason.values()) {
                counters.drop(reason, attachment.port.drops(reason));
            }
            for (int fd : attachment.port.wakeDescriptors()) {
                epoll.remove(fd);
            }
            engine.detach(attachment);
            attachment.port.close();
        }
    }

    /** Engine thread. */
    List<Attachment> attachments() {
        assertOwner();
        return attachments;
    }

    /** Engine thread: totals, with what the ports have dropped themselves. */
    EngineReport.Counters report() {
        assertOwner();
        return counters.report(
                reason -> attachments.stream().mapToLong(a -> a.port.drops(reason)).sum());
    }

    private void assertOwner() {
        assert Thread.currentThread() == thread : "only the engine thread may do this";
    }

    private void run() {
        cpu.ifPresent(Linux::pinThread);
        if (!Linux.prioritizeThread(NICE, SLICE_NANOS)) {
            LOG.log(System.Logger.Level.INFO, "packets get no priority: no right to it");
        }
        long lastWorkNanos = System.nanoTime();
        long turnNanos = lastWorkNanos;
        while (!stopped) {
            boolean worked = runCommands(MOST_COMMANDS);
            for (int i = 0; i < attachments.size(); i++) {
                worked |= poll(attachments.get(i));
            }
            flush();
            long nowNanos = System.nanoTime();
            noticeDevices();
            worked |= housekeeping.step(nowNanos / 1_000_000);
            counters.max(Counter.LONGEST_TURN_MICROS, (nowNanos - turnNanos) / 1000);
            turnNanos = nowNanos;
            if (worked) {
                lastWorkNanos = nowNanos;
                continue;
            }
            turns.idle(attachments);
            if (nowNanos - lastWorkNanos > SPIN_NANOS) {
                sleep();
                lastWorkNanos = System.nanoTime();
                turnNanos = lastWorkNanos;
            } else {
                Thread.onSpinWait();
            }
        }
        runCommands(Integer.MAX_VALUE);
        for (Attachment attachment : List.copyOf(attachments)) {
            detach(attachment);
        }
    }

    private boolean runCommands(int most) {
        for (int done = 0; done < most; done++) {
            Runnable command = commands.poll();
            if (command == null) {
                return done > 0;
            }
            command.run();
        }
        return true;
    }

    private boolean poll(Attachment attachment) {
        if (!turns.has(attachment)) {
            return false;
        }
        batch.count = 0;
        try {
            if (attachment.port.receive(batch) == 0) {
                return false;
            }
        } catch (RuntimeException e) {
            failed(attachment, e);
            return false;
        }
        long work = engine.process(attachment, batch, Clock.nowMillis());
        turns.charge(attachment, batch.count, work);
        return true;
    }

    private void failed(Attachment attachment, RuntimeException e) {
        counters.add(Counter.RECEIVE_FAILURES);
        attachment.counters.add(Counter.RECEIVE_FAILURES);
        long nowMillis = Clock.nowMillis();
        if (nowMillis >= attachment.nextFailureLogMillis) {
            attachment.nextFailureLogMillis = nowMillis + FAILURE_LOG_MILLIS;
            LOG.log(System.Logger.Level.ERROR, "receiving from " + attachment.name, e);
        }
    }

    private void flush() {
        for (int i = 0; i < attachments.size(); i++) {
            Attachment attachment = attachments.get(i);
            if (attachment.dirty) {
                attachment.dirty = false;
                attachment.port.flush();
            }
        }
    }

    private void noticeDevices() {
        for (int i = 0; i < attachments.size(); i++) {
            Attachment attachment = attachments.get(i);
            boolean up = attachment.port.up();
            if (up != attachment.wasUp) {
                attachment.wasUp = up;
                core.events().device(attachment.id, up);
            }
        }
    }

    private void sleep() {
        int armed = 0;
        boolean quiet = true;
        while (quiet && armed < attachments.size()) {
            quiet = attachments.get(armed++).port.armWakeup();
        }
        if (quiet && commands.isEmpty() && !stopped) {
            counters.add(Counter.SLEEPS);
            epoll.await(housekeeping.needed() ? (int) Housekeeping.PERIOD_MILLIS : -1);
            wake.drain();
        }
        for (int i = 0; i < armed; i++) {
            attachments.get(i).port.disarmWakeup();
        }
    }

    @Override
    public void close() {
        stopped = true;
        wake.signal();
        try {
            thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
