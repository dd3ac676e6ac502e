package dev.iod.host;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The DPU's side of the virtDaemon protocol. Any thread may call it; each call waits for its reply
 * at most {@link #REPLY_MILLIS}.
 *
 * <p>The first call connects, and so does the first one after the connection was lost: a call that
 * was under way when it was lost fails with UNAVAILABLE and may have had its effect, so all
 * operations can be repeated.
 */
public final class HostClient implements AutoCloseable {
    /** How long a call waits for its reply, in milliseconds. */
    public static final long REPLY_MILLIS = 10_000;

    /** The most bytes one {@link #console} call returns. */
    public static final int MAX_CONSOLE_BYTES = 512 * 1024;

    private final Path socket;
    private final Consumer<MachineStatus> changed;
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<Connection> current = Optional.empty();
    private long lastId;
    private boolean closed;

    /**
     * A client that is not connected yet.
     *
     * @param socket where the daemon listens
     * @param changed told of every change of a machine, and of every machine after each connect;
     *     runs on the connection's reader, so it may only queue
     */
    public HostClient(Path socket, Consumer<MachineStatus> changed) {
        this.socket = socket;
        this.changed = changed;
    }

    /**
     * Starts a machine, or does nothing when it already starts or runs. Returns when the daemon has
     * written it down: RUNNING or FAILED is told later.
     *
     * @throws HostException CONFLICT when it runs with another specification, INVALID, EXHAUSTED
     */
    public MachineStatus start(MachineSpec spec) {
        return machine(call("start", Map.of("spec", Wire.of(spec))));
    }

    /**
     * Says which devices a running machine shall have. Returns when the daemon has written it down;
     * what becomes of each device is told in the machine's status. A device it has already stays as
     * it is: another MAC or MTU holds from its next start. The back end of a new device must dial
     * its socket; that of an old one must stay until the status no longer names it.
     *
     * @throws HostException INVALID when the machine's model has no hot-plug, NOT_FOUND, CONFLICT
     *     when the machine does not run or a device of this id is being given back, EXHAUSTED when
     *     it would have more than {@link MachineStatus#MAX_DEVICES} with those it gives back
     */
    public MachineStatus change(String id, Devices devices) {
        return machine(call("change", Map.of("machine", id, "devices", Wire.of(devices))));
    }

    /**
     * Asks the guest to power off (ACPI), and powers it off after the grace. Returns at once;
     * STOPPED is told later. Repeating it can only shorten the grace.
     *
     * @param graceMillis 0 to 600000; 0 powers off at once
     * @throws HostException NOT_FOUND
     */
    public MachineStatus stop(String id, long graceMillis) {
        return machine(call("stop", Map.of("machine", id, "graceMillis", graceMillis)));
    }

    /**
     * Stops the processors of a running machine's guest; its devices stay. It is so until {@link
     * #resume}, also for the next daemon, or until the machine is stopped. Repeating it does
     * nothing.
     *
     * @return PAUSED
     * @throws HostException NOT_FOUND, CONFLICT when it does not run
     */
    public MachineStatus pause(String id) {
        return machine(call("pause", Map.of("machine", id)));
    }

    /**
     * Lets a paused machine's guest go on.
     *
     * @return RUNNING
     * @throws HostException NOT_FOUND, CONFLICT when it does not run
     */
    public MachineStatus resume(String id) {
        return machine(call("resume", Map.of("machine", id)));
    }

    /**
     * Resets a running machine as its reset button would.
     *
     * @throws HostException NOT_FOUND, CONFLICT when it does not run
     */
    public MachineStatus reset(String id) {
        return machine(call("reset", Map.of("machine", id)));
    }

    private static MachineStatus machine(Fields reply) {
        return Wire.read(MachineStatus.class, reply.fields("machine"));
    }

    /**
     * Powers a machine off at once when it runs, and deletes everything of it, its console output
     * included. A machine nobody knows is removed already.
     */
    public void remove(String id) {
        call("remove", Map.of("machine", id));
    }

    /** Every machine of this node, stopped and failed ones too. */
    public List<MachineStatus> list() {
        return call("list", Map.of()).list("machines").stream()
                .map(fields -> Wire.read(MachineStatus.class, fields))
                .toList();
    }

    /**
     * The newest output of the serial console.
     *
     * @param maxBytes 1 to {@link #MAX_CONSOLE_BYTES}
     * @throws HostException NOT_FOUND
     */
    public byte[] console(String id, int maxBytes) {
        Fields reply = call("console", Map.of("machine", id, "maxBytes", maxBytes));
        return Base64.getDecoder().decode(reply.text("output"));
    }

    /**
     * Takes a console into use, over a connection of its own: what the guest says can be read from
     * it, what is written to it is typed, and it ends with the machine. Closing it ends the use. A
     * newer user of the serial console ends the older one's use.
     *
     * @throws HostException NOT_FOUND, INVALID when the machine's model has no such console,
     *     CONFLICT when the machine does not run, EXHAUSTED, FAILED
     */
    public SocketChannel use(String id, ConsoleKind kind) {
        SocketChannel channel = Connection.connect(socket);
        try {
            Map<String, Object> request = new LinkedHashMap<>();
            request.put("id", 1);
            request.put("op", "use");
            request.put("machine", id);
            request.put("console", Wire.name(kind));
            ByteBuffer line = ByteBuffer.wrap(Json.line(request));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            Fields reply = Fields.parse(firstLine(channel));
            if (reply.has("error")) {
                throw Wire.failure(reply.fields("error"));
            }
            return channel;
        } catch (IOException e) {
            closeQuietly(channel);
            throw new HostException(
                    HostException.Category.UNAVAILABLE,
                    "the connection to virtDaemon was lost: " + e.getMessage(),
                    e);
        } catch (RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    /** One line and not a byte more: what follows is the console's. */
    private static byte[] firstLine(SocketChannel channel) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (line.size() < Lines.MAX_BYTES) {
            if (channel.read(one.clear()) < 0) {
                throw new EOFException("the daemon closed it");
            }
            if (one.get(0) == '\n') {
                return line.toByteArray();
            }
            line.write(one.get(0));
        }
        throw new HostException(HostException.Category.INVALID, "the daemon's answer has no end");
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(HostClient.class.getName())
                    .log(System.Logger.Level.DEBUG, "closing a connection", e);
        }
    }

    /** Disconnects; calls under way fail. */
    @Override
    public void close() {
        Optional<Connection> connection;
        lock.lock();
        try {
            closed = true;
            connection = current;
            current = Optional.empty();
        } finally {
            lock.unlock();
        }
        connection.ifPresent(Connection::close);
    }

    private Fields call(String operation, Map<String, ?> arguments) {
        Connection connection;
        long id;
        lock.lock();
        try {
            connection = connected();
            id = ++lastId;
        } finally {
            lock.unlock();
        }
        return connection.call(id, operation, arguments);
    }

    private Connection connected() {
        if (closed) {
            throw new HostException(HostException.Category.UNAVAILABLE, "the client is closed");
        }
        if (current.isPresent() && current.get().alive()) {
            return current.get();
        }
        Connection connection = new Connection(socket, changed);
        current = Optional.of(connection);
        connection.send(Map.of("id", ++lastId, "op", "watch"));
        return connection;
    }

    /** One connection: its reader thread, and the calls that wait for their replies. */
    private static final class Connection {
        private final SocketChannel channel;
        private final Consumer<MachineStatus> changed;
        private final ReentrantLock writing = new ReentrantLock();

        /** One entry per calling thread; a reply nobody waits for any more is dropped. */
        private final Map<Long, BlockingQueue<Fields>> waiting = new ConcurrentHashMap<>();

        private volatile String lost = "";

        Connection(Path socket, Consumer<MachineStatus> changed) {
            this.changed = changed;
            this.channel = connect(socket);
            Thread.ofVirtual().name("host-client").start(this::read);
        }

        private static SocketChannel connect(Path socket) {
            try {
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                try {
                    channel.connect(UnixDomainSocketAddress.of(socket));
                    return channel;
                } catch (IOException | RuntimeException e) {
                    channel.close();
                    throw e;
                }
            } catch (IOException e) {
                throw new HostException(
                        HostException.Category.UNAVAILABLE,
                        "virtDaemon does not listen on " + socket + ": " + e.getMessage(),
                        e);
            }
        }

        boolean alive() {
            return lost.isEmpty();
        }

        Fields call(long id, String operation, Map<String, ?> arguments) {
            Map<String, Object> request = new LinkedHashMap<>();
            request.put("id", id);
            request.put("op", operation);
            request.putAll(arguments);
            BlockingQueue<Fields> reply = new ArrayBlockingQueue<>(1);
            waiting.put(id, reply);
            try {
                send(request);
                return checked(operation, awaited(operation, reply));
            } finally {
                waiting.remove(id);
            }
        }

        private Fields awaited(String operation, BlockingQueue<Fields> reply) {
            // The reader empties `waiting` once after setting `lost`: look again in case this call
            // registered after that.
            if (!alive()) {
                throw unavailable();
            }
            try {
                Fields fields = reply.poll(REPLY_MILLIS, TimeUnit.MILLISECONDS);
                if (fields == null) {
                    throw new HostException(
                            HostException.Category.TIMEOUT,
                            "virtDaemon did not answer "
                                    + operation
                                    + " within "
                                    + REPLY_MILLIS
                                    + " ms");
                }
                return fields;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new HostException(
                        HostException.Category.UNAVAILABLE, operation + " was interrupted", e);
            }
        }

        private Fields checked(String operation, Fields reply) {
            if (reply.object().isEmpty()) {
                throw unavailable();
            }
            if (reply.has("error")) {
                HostException failure = Wire.failure(reply.fields("error"));
                throw new HostException(
                        failure.category(), operation + ": " + failure.getMessage(), failure);
            }
            return reply;
        }

        private HostException unavailable() {
            return new HostException(
                    HostException.Category.UNAVAILABLE,
                    "the connection to virtDaemon was lost: " + lost);
        }

        void send(Map<String, ?> request) {
            ByteBuffer line = ByteBuffer.wrap(Json.line(request));
            writing.lock();
            try {
                while (line.hasRemaining()) {
                    channel.write(line);
                }
            } catch (IOException e) {
                fail("write: " + e.getMessage());
                throw unavailable();
            } finally {
                writing.unlock();
            }
        }

        private void read() {
            Lines lines = new Lines(channel, Lines.MAX_REPLY_BYTES);
            try {
                for (Optional<byte[]> line = lines.next(); line.isPresent(); line = lines.next()) {
                    dispatch(Fields.parse(line.get()));
                }
                fail("the daemon closed it");
            } catch (IOException | RuntimeException e) {
                fail(String.valueOf(e.getMessage()));
            }
        }

        private void dispatch(Fields line) {
            if (line.has("event")) {
                if (line.has("machine")) {
                    changed.accept(machine(line));
                }
            } else if (line.has("id")) {
                BlockingQueue<Fields> reply = waiting.get(line.number("id"));
                if (reply != null) {
                    reply.offer(line);
                }
            }
        }

        void close() {
            fail("the client closed it");
        }

        private void fail(String reason) {
            if (alive()) {
                lost = reason;
            }
            closeQuietly(channel);
            waiting.values().forEach(reply -> reply.offer(new Fields(Map.of())));
        }
    }
}
