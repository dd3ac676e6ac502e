package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One client. Its reader executes one request after the other; its writer sends the changes it
 * watches, only the newest per machine, so a client that reads slowly makes nothing grow.
 */
final class ClientSession {
    private static final System.Logger LOG = System.getLogger(ClientSession.class.getName());
    private static final long MAX_GRACE_MILLIS = 600_000;

    private final SocketChannel channel;
    private final Machines machines;
    private final ReentrantLock writing = new ReentrantLock();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();
    private final Map<String, MachineStatus> unsent = new LinkedHashMap<>();
    private boolean watching;
    private boolean closed;

    ClientSession(SocketChannel channel, Machines machines) {
        this.channel = channel;
        this.machines = machines;
    }

    /** Serves until the client goes, or breaks the protocol beyond repair. */
    void serve() {
        Thread.ofVirtual().name("session-events").start(this::sendEvents);
        Lines lines = new Lines(channel, Lines.MAX_BYTES);
        try {
            for (Optional<byte[]> line = lines.next(); line.isPresent(); line = lines.next()) {
                Map<String, Object> answer = answer(line.get());
                if (!answer.isEmpty()) {
                    send(answer);
                }
            }
        } catch (HostException e) {
            // Where the next line starts is not known any more.
            LOG.log(Level.WARNING, "a client is disconnected: {0}", e.getMessage());
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a client has gone: {0}", e.getMessage());
        } finally {
            close();
        }
    }

    /** Told of a change; never blocks. */
    void changed(MachineStatus status) {
        lock.lock();
        try {
            if (watching) {
                unsent.put(status.id(), status);
                news.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            news.signal();
        } finally {
            lock.unlock();
        }
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a client's connection", e);
        }
    }

    /** The answer; empty when it was sent. */
    private Map<String, Object> answer(byte[] line) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            Fields request = Fields.parse(line);
            answer.put("id", request.number("id"));
            if (request.text("op").equals("use")) {
                use(request, answer);
                return Map.of();
            }
            answer.putAll(execute(request));
        } catch (HostException e) {
            answer.put("error", Wire.of(e));
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a client has gone: {0}", e.getMessage());
            return Map.of(); // The next read finds it so.
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "a request failed unexpectedly", e);
            answer.put(
                    "error",
                    Wire.of(new HostException(HostException.Category.FAILED, "unexpected: " + e)));
        }
        return answer;
    }

    /** From the answer on the connection carries a console's bytes, and ends with it. */
    private void use(Fields request, Map<String, Object> answer) throws IOException {
        ConsoleKind kind = Wire.constant(ConsoleKind.class, "console", request);
        lock.lock();
        try {
            MachineSpec.check(!watching, "a connection that watches cannot carry a console");
        } finally {
            lock.unlock();
        }
        machines.use(request.text("machine"), kind, channel, () -> send(answer));
    }

    private Map<String, Object> execute(Fields request) {
        String operation = request.text("op");
        return switch (operation) {
            case "start" ->
                    machine(machines.start(Wire.read(MachineSpec.class, request.fields("spec"))));
            case "stop" ->
                    machine(
                            machines.machine(request.text("machine"))
                                    .stop(bounded(request, "graceMillis", 0, MAX_GRACE_MILLIS)));
            case "change" ->
                    machine(
                            machines.machine(request.text("machine"))
                                    .change(Wire.read(Devices.class, request.fields("devices"))));
            case "pause" -> machine(machines.machine(request.text("machine")).pause(true));
            case "resume" -> machine(machines.machine(request.text("machine")).pause(false));
            case "reset" -> machine(machines.machine(request.text("machine")).reset());
            case "remove" -> {
                machines.remove(request.text("machine"));
                yield Map.of();
            }
            case "list" -> Map.of("machines", machines.list().stream().map(Wire::of).toList());
            case "console" -> {
                long max = bounded(request, "maxBytes", 1, HostClient.MAX_CONSOLE_BYTES);
                byte[] output = machines.machine(request.text("machine")).console((int) max);
                yield Map.of("output", Base64.getEncoder().encodeToString(output));
            }
            case "watch" -> {
                watch();
                yield Map.of();
            }
            default ->
                    throw new HostException(
                            HostException.Category.INVALID, "op: unknown " + operation);
        };
    }

    private static Map<String, Object> machine(MachineStatus status) {
        return Map.of("machine", Wire.of(status));
    }

    private static long bounded(Fields request, String name, long min, long max) {
        long value = request.number(name);
        MachineSpec.check(
                value >= min && value <= max, "%s %s: expected %s to %s", name, value, min, max);
        return value;
    }

    /** From now on every change, and first everything there is. */
    private void watch() {
        lock.lock();
        try {
            watching = true;
        } finally {
            lock.unlock();
        }
        machines.list().forEach(this::changed);
    }

    private void sendEvents() {
        try {
            for (List<MachineStatus> batch = next(); !batch.isEmpty(); batch = next()) {
                for (MachineStatus status : batch) {
                    send(Map.of("event", "machine", "machine", Wire.of(status)));
                }
            }
        } catch (IOException e) {
            close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The changes to send; empty when the session is over. */
    private List<MachineStatus> next() throws InterruptedException {
        lock.lock();
        try {
            while (unsent.isEmpty() && !closed) {
                news.await();
            }
            List<MachineStatus> batch = closed ? List.of() : List.copyOf(unsent.values());
            unsent.clear();
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private void send(Map<String, ?> line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Json.line(line));
        writing.lock();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } finally {
            writing.unlock();
        }
    }
}
