package dev.iod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One QMP connection. Its owner sends one command at a time and waits for the answer until a
 * deadline; a reader thread takes what comes. Of QEMU's events only the shutdown is kept, and a
 * device that is gone wakes the owner, so a guest that makes many costs nothing.
 */
final class Qmp implements AutoCloseable {
    private final SocketChannel channel;
    private final Runnable wake;

    /** Answers to the owner's last commands; one that comes too late is dropped by its id. */
    private final BlockingQueue<Fields> answers = new ArrayBlockingQueue<>(4);

    private volatile boolean greeted;
    private volatile boolean lost;
    private volatile Optional<String> shutdown = Optional.empty();
    private boolean negotiated;
    private long lastId;

    private Qmp(SocketChannel channel, Runnable wake) {
        this.channel = channel;
        this.wake = wake;
    }

    /**
     * Connects; QEMU's greeting may come much later.
     *
     * @param wake called when the connection ends, when the guest shuts down and when it has
     *     answered about a device; may not block
     * @return empty when QEMU does not listen (yet)
     */
    static Optional<Qmp> connect(Path socket, Runnable wake) {
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.connect(SocketPath.address(socket));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            Qmp qmp = new Qmp(channel, wake);
            Thread.ofVirtual().name("qmp-" + socket).start(qmp::read);
            return Optional.of(qmp);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Whether the connection has ended. */
    boolean lost() {
        return lost;
    }

    /** QEMU's word for why the guest was shut down, when it was. */
    Optional<String> shutdown() {
        return shutdown;
    }

    /**
     * Whether commands can be sent: QEMU has greeted and has left the negotiation mode.
     *
     * @throws HostException as {@link #execute}
     */
    boolean ready(long deadlineMillis) {
        if (greeted && !negotiated) {
            execute("qmp_capabilities", Map.of(), deadlineMillis);
            negotiated = true;
        }
        return negotiated;
    }

    /**
     * Executes a command and returns its {@code return} member within an object.
     *
     * @throws HostException FAILED when QEMU refuses, TIMEOUT, UNAVAILABLE when the connection
     *     ended
     */
    Fields execute(String command, Map<String, ?> arguments, long deadlineMillis) {
        long id = ++lastId;
        send(Map.of("execute", command, "arguments", arguments, "id", id));
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(deadlineMillis);
        while (true) {
            Optional<Fields> answer = next(command, end);
            if (answer.isEmpty()) {
                throw new HostException(
                        HostException.Category.TIMEOUT,
                        "QEMU did not answer " + command + " within " + deadlineMillis + " ms");
            }
            Fields fields = answer.get();
            if (fields.object().isEmpty()) {
                throw new HostException(
                        HostException.Category.UNAVAILABLE,
                        "QEMU ended its connection during " + command);
            }
            if (fields.has("id") && fields.number("id") == id) {
                return checked(command, fields);
            }
        }
    }

    private static Fields checked(String command, Fields answer) {
        if (answer.has("error")) {
            throw new HostException(
                    HostException.Category.FAILED,
                    "QEMU refused " + command + ": " + answer.fields("error").text("desc"));
        }
        return answer;
    }

    private Optional<Fields> next(String command, long endNanos) {
        try {
            return lost && answers.isEmpty()
                    ? Optional.of(new Fields(Map.of()))
                    : Optional.ofNullable(
                            answers.poll(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HostException(
                    HostException.Category.UNAVAILABLE, command + " was interrupted", e);
        }
    }

    private void send(Map<String, ?> command) {
        ByteBuffer line = ByteBuffer.wrap(Json.line(command));
        try {
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            end();
            throw new HostException(
                    HostException.Category.UNAVAILABLE,
                    "QEMU ended its connection: " + e.getMessage(),
                    e);
        }
    }

    private void read() {
        Lines lines = new Lines(channel, Lines.MAX_BYTES);
        try {
            for (Optional<byte[]> line = lines.next(); line.isPresent(); line = lines.next()) {
                take(Fields.parse(line.get()));
            }
        } catch (IOException | HostException e) {
            // Closed by its owner, or not QEMU's words any more: either way it is over.
            System.getLogger(Qmp.class.getName())
                    .log(System.Logger.Level.DEBUG, "a QMP connection ended: {0}", e.getMessage());
        } finally {
            end();
        }
    }

    private void take(Fields line) {
        if (line.has("QMP")) {
            greeted = true;
            wake.run();
        } else if (line.has("event")) {
            switch (line.text("event")) {
                case "SHUTDOWN" -> {
                    // The first one says why; the next comes from ending QEMU.
                    if (shutdown.isEmpty()) {
                        shutdown = Optional.of(line.fields("data").text("reason"));
                        wake.run();
                    }
                }
                case "DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR" -> wake.run();
                default -> {}
            }
        } else if (!answers.offer(line)) {
            answers.clear(); // Only answers nobody waits for can pile up.
            answers.offer(line);
        }
    }

    @Override
    public void close() {
        end();
    }

    private void end() {
        lost = true;
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(Qmp.class.getName())
                    .log(System.Logger.Level.DEBUG, "closing a QMP connection", e);
        }
        answers.offer(new Fields(Map.of()));
        wake.run();
    }
}
