package dev.iod.vhost;

import dev.iod.sys.Epoll;
import dev.iod.sys.EventFd;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.sys.UnixSocket;
import dev.iod.vhost.ControlThread.Wait;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One vhost-user device: keeps a connection to its front end, whatever happens to it, and gives the
 * engine thread the rings that are live.
 *
 * <p>The engine thread calls {@link #refresh()} before each use, {@link #ring}, {@link #guarded},
 * {@link #wakeDescriptor()}, {@link #drainWakeups()} and {@link #close()}; none of them waits. The
 * rest may be called by any thread.
 */
public final class VhostDevice implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VhostDevice.class.getName());
    private static final long REDIAL_MILLIS = 50;
    private static final long MAX_PAUSE_MILLIS = 5_000;
    private static final long STALL_MILLIS = 10_000;

    private final Options options;
    private final Pauses pauses;
    private final Epoll wakeups = Epoll.create();
    private final EventFd doorbell = EventFd.create();
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Guards the socket, and the wake descriptors against use after {@link #close()}. */
    private final Object lock = new Object();

    private Optional<UnixSocket> socket = Optional.empty();
    private Optional<UnixSocket.Listener> listener = Optional.empty();
    private final ConfigSpace config = new ConfigSpace();
    private volatile boolean closing;

    /** Present from the start on. */
    private volatile Optional<ControlThread.Visit> visit = Optional.empty();

    /** Of the thread that serves the front end: it is one at a time. */
    private Optional<Session> session = Optional.empty();

    private long pauseMillis;

    /** The thread that waits for the engine to acknowledge. */
    private volatile Optional<Thread> waiting = Optional.empty();

    /** Set by the control side, used by the engine from its next {@link #refresh()} on. */
    private volatile RingSet desired;

    /** What the engine last said it uses. */
    private volatile RingSet acknowledged;

    /** Engine thread's own: what it uses, and what it last took over. */
    private RingSet active;

    private RingSet adopted;

    private volatile Optional<VhostException> failure = Optional.empty();
    private volatile Status status = new Status(false, 0, 0, "");

    /**
     * How long things are waited for.
     *
     * @param redialMillis before a connection is tried again
     * @param maxMillis the same, after several that were refused or came to nothing; each doubles
     *     it
     * @param stallMillis for the rest of a message, and for room for an answer
     */
    record Pauses(long redialMillis, long maxMillis, long stallMillis) {}

    /** Which side creates the socket. */
    public enum Role {
        /**
         * The front end listens and this side dials, again and again (QEMU: server=on,wait=off).
         */
        DIAL,
        /** This side listens; one connection at a time. */
        LISTEN
    }

    /**
     * @param name for log lines and the thread
     * @param requireSealed refuse guest memory that its owner can truncate (QEMU seals memfd
     *     memory; other front ends may not)
     */
    public record Options(
            String name, Path socket, Role role, DeviceType type, boolean requireSealed) {}

    /**
     * What is known of the connection.
     *
     * @param features negotiated bits
     * @param connections how many connections there have been
     * @param lastFailure why the last connection was ended by this side; empty when never
     */
    public record Status(boolean connected, long features, long connections, String lastFailure) {}

    private VhostDevice(Options options, Pauses pauses) {
        this.options = options;
        this.pauses = pauses;
        active = RingSet.stopped(options.type);
        adopted = active;
        desired = active;
        acknowledged = active;
        pauseMillis = pauses.redialMillis;
        wakeups.add(doorbell.fd(), Epoll.READABLE | Epoll.EDGE);
    }

    /** Starts to look for a front end. In role LISTEN the socket accepts when this returns. */
    public static VhostDevice start(Options options) {
        return start(options, new Pauses(REDIAL_MILLIS, MAX_PAUSE_MILLIS, STALL_MILLIS));
    }

    /** With pauses of a test's choice. */
    static VhostDevice start(Options options, Pauses pauses) {
        VhostDevice device = new VhostDevice(options, pauses);
        if (options.role == Role.LISTEN) {
            device.listener = Optional.of(UnixSocket.listen(options.socket, 1));
            device.listener.get().nonBlocking();
        }
        device.visit = Optional.of(ControlThread.OF_PROCESS.begin(device::proceed));
        return device;
    }

    // ---------------------------------------------------------------- engine thread

    /** Goes over to the rings the control side has published; a volatile read when it has not. */
    public void refresh() {
        RingSet next = desired;
        if (next != adopted) {
            adopt(next);
        }
    }

    private void adopt(RingSet next) {
        RingSet old = active;
        adopted = next;
        active = next;
        try {
            // A batch may be under way: what it completed must be seen by the guest before these
            // rings are gone, or the used index lags behind the position for ever and the next back
            // end uses buffers that the guest has taken back. Their memory is mapped until the
            // acknowledgement below.
            for (SplitRing ring : old.rings()) {
                ring.retire();
            }
            if (old.mayFault()) {
                Memory.settleFaults();
            }
            for (SplitRing ring : next.rings()) {
                ring.adopt();
            }
        } finally {
            acknowledged = next;
            waiting.ifPresent(LockSupport::unpark);
        }
    }

    /** A ring of the current set; a stopped one has no buffers. */
    public Vring ring(int index) {
        return (Vring) active.rings()[index];
    }

    /** As {@link #ring}, of a device whose type is tracked. */
    public RequestRing requestRing(int index) {
        return (RequestRing) active.rings()[index];
    }

    /**
     * Whether {@link #refresh()} would change the rings. An engine whose requests outlast a poll
     * calls refresh() only when none is in flight any more: until then memory stays mapped.
     */
    public boolean changePending() {
        return desired != adopted;
    }

    /**
     * Whether guest memory can be truncated by its owner, so that a value that was read may turn
     * out to be none when {@link #settle()} is called.
     */
    public boolean mayFault() {
        return active.mayFault();
    }

    /**
     * Something that is done with rings and guest memory: by whom, and with what of its. A static
     * method or one of the user's, so that no object is made for a call.
     */
    @FunctionalInterface
    public interface RingUse<U, S> {
        void run(U user, S subject);
    }

    /**
     * The one door to rings and guest memory, both of which the guest or its VMM may spoil at any
     * time. When it has, its connection ends with the reason, the rings are stopped ones from then
     * on, and nothing else happens.
     *
     * @return whether it went well; false = the connection was ended somewhere in the midst
     */
    public <U, S> boolean guarded(RingUse<U, S> use, U user, S subject) {
        try {
            use.run(user, subject);
            settle();
            return true;
        } catch (VhostException | InternalError e) {
            broken(e);
            return false;
        }
    }

    /**
     * What {@link #guarded} does about what it catches; for a fast path that is in too deep for the
     * JIT compiler to take another two calls on the way to its foreign calls.
     *
     * @param cause a VhostException, or the InternalError of a fault
     */
    public void broken(Throwable cause) {
        fail(
                cause instanceof VhostException violation && settled()
                        ? violation
                        : new VhostException(
                                VhostException.Category.FAULT,
                                "guest memory was truncated while in use"));
    }

    /**
     * A value that broke the rules may come from memory that is gone, and that fault must not
     * surface anywhere else.
     */
    private boolean settled() {
        try {
            settle();
            return true;
        } catch (InternalError e) {
            return false;
        }
    }

    /**
     * Lets a fault of guest memory surface here and now, inside {@link #guarded}: before something
     * that was read is acted upon.
     */
    public void settle() {
        if (active.mayFault()) {
            Memory.settleFaults();
        }
    }

    /** Stops using the rings and ends the connection, because the guest broke the rules. */
    private void fail(VhostException reason) {
        active = RingSet.stopped(options.type);
        failure = Optional.of(reason);
        synchronized (lock) {
            socket.ifPresent(UnixSocket::shutdown);
        }
    }

    /** Readable when the guest has kicked or rings were published; the same for ever. */
    public int wakeDescriptor() {
        return wakeups.fd();
    }

    /** Makes {@link #wakeDescriptor()} quiet again. */
    public void drainWakeups() {
        // Edge-triggered: being reported is all it takes. One call reports all rings, and nothing
        // is
        // read from the peer's descriptors; no loop, because a guest may kick for ever.
        wakeups.await(0);
    }

    /** Lets go of the rings at once; the control side unmaps and closes what is left. */
    @Override
    public void close() {
        synchronized (lock) {
            if (closing) {
                return;
            }
            closing = true;
            socket.ifPresent(UnixSocket::shutdown);
            listener.ifPresent(UnixSocket.Listener::shutdown);
            wakeups.remove(doorbell.fd());
            doorbell.close();
        }
        active = RingSet.stopped(options.type);
        waiting.ifPresent(LockSupport::unpark);
        visit.ifPresent(ControlThread.Visit::wake);
    }

    /**
     * Waits for everything to be unmapped and closed after {@link #close()}. @return false when
     * time is up
     */
    public boolean awaitClosed(long timeoutMillis) throws InterruptedException {
        return ended.await(timeoutMillis, TimeUnit.MILLISECONDS);
    }

    // ---------------------------------------------------------------- any thread

    public Status status() {
        return status;
    }

    /** Replaces the configuration space and tells the front end, which tells the guest. */
    public void configuration(byte[] bytes) {
        config.replace(bytes);
    }

    // ---------------------------------------------------------------- control side

    private Wait proceed() {
        if (session.isPresent()) {
            return converse(session.get());
        }
        if (closing) {
            return end();
        }
        Optional<UnixSocket> peer = open();
        if (peer.isPresent()) {
            begin(peer.get());
            return Wait.readable(peer.get().fd(), ControlThread.NEVER, false);
        }
        if (listener.isPresent()) {
            return Wait.readable(listener.get().fd(), ControlThread.NEVER, true);
        }
        pauseMillis = pauses.redialMillis;
        return Wait.millis(pauseMillis, true);
    }

    private Wait end() {
        synchronized (lock) {
            listener.ifPresent(UnixSocket.Listener::close);
            listener = Optional.empty();
        }
        wakeups.close();
        ended.countDown();
        return Wait.END;
    }

    private Optional<UnixSocket> open() {
        try {
            UnixSocket peer =
                    listener.isPresent()
                            ? listener.get().accept()
                            : UnixSocket.connectNow(options.socket);
            synchronized (lock) {
                socket = Optional.of(peer);
                if (closing) {
                    peer.shutdown();
                }
            }
            return socket;
        } catch (SysException e) {
            // Nobody there yet: normal, tried again for as long as the device exists.
            LOG.log(Level.TRACE, () -> options.name + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private void negotiated(long features) {
        status = new Status(true, features, status.connections, status.lastFailure);
    }

    private void begin(UnixSocket peer) {
        failure = Optional.empty();
        status = new Status(true, 0, status.connections + 1, status.lastFailure);
        LOG.log(Level.INFO, () -> options.name + ": front end connected");
        session =
                Optional.of(
                        new Session(
                                options.type,
                                options.requireSealed,
                                peer,
                                wakeups,
                                new Handover(),
                                this::negotiated,
                                config,
                                pauses.stallMillis));
    }

    private Wait converse(Session with) {
        Optional<String> reason = Optional.empty();
        try {
            Optional<Wait> next = closing ? Optional.empty() : with.proceed();
            if (next.isPresent()) {
                return next.get();
            }
        } catch (VhostException e) {
            reason = Optional.of(describe(e));
        } catch (SysException e) {
            LOG.log(Level.DEBUG, () -> options.name + ": " + e.getMessage());
        } catch (RuntimeException e) {
            // A defect here must not end the device: the guest would lose its network for good.
            LOG.log(Level.ERROR, options.name + ": the connection ended by a defect", e);
            reason = Optional.of("DEFECT: " + e);
        }
        return finish(with, reason);
    }

    /** The connection is over. @return the pause before the next one */
    private Wait finish(Session with, Optional<String> reason) {
        session = Optional.empty();
        try {
            with.close();
        } finally {
            synchronized (lock) {
                socket.ifPresent(UnixSocket::close);
                socket = Optional.empty();
            }
        }
        String text = failure.map(VhostDevice::describe).or(() -> reason).orElse("");
        status =
                new Status(
                        false, 0, status.connections, text.isEmpty() ? status.lastFailure : text);
        LOG.log(
                text.isEmpty() ? Level.INFO : Level.WARNING,
                () ->
                        options.name
                                + ": front end "
                                + (text.isEmpty() ? "gone" : "refused: " + text));
        // Of use: rings ran, and this side did not have to end it.
        boolean useful = text.isEmpty() && with.served();
        pauseMillis = useful ? pauses.redialMillis : Math.min(2 * pauseMillis, pauses.maxMillis);
        boolean atOnce = closing || useful && options.role == Role.LISTEN;
        return Wait.millis(atOnce ? 0 : pauseMillis, true);
    }

    private static String describe(VhostException e) {
        return e.category() + ": " + e.getMessage();
    }

    private final class Handover implements RingHandover {
        @Override
        public void publish(RingSet set) {
            desired = set;
            ring();
        }

        @Override
        public void publishAndWait(RingSet set) {
            publish(set);
            waiting = Optional.of(Thread.currentThread());
            // Every engine poll acknowledges, also after a failure; close() is called by the engine
            // thread itself, which uses no ring any more then.
            while (acknowledged != set && !closing) {
                LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(10));
            }
            waiting = Optional.empty();
        }

        private void ring() {
            synchronized (lock) {
                if (!closing) {
                    doorbell.signal();
                }
            }
        }
    }
}
