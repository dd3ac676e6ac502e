package dev.iod.ovsdb;

import dev.iod.ovsdb.Message.Body;
import dev.iod.ovsdb.OvsdbException.Category;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;
import tools.jackson.core.JacksonException;

/**
 * One connection: requests out (any thread), messages in (the replica's thread). When it ends,
 * every pending request fails.
 */
final class Session implements AutoCloseable {
    /** The id of echo requests; those of others count from 1. */
    private static final long ECHO = 0;

    private final Transport transport;
    private final MessageReader reader;
    private final ReentrantLock writing = new ReentrantLock();
    private final Map<Long, CompletableFuture<Message.Reply>> pending = new ConcurrentHashMap<>();
    private final AtomicLong lastId = new AtomicLong();

    /** Requests without an answer, whether anyone still waits for it or not. */
    private final AtomicInteger unanswered = new AtomicInteger();

    private final Silence silence = new Silence(System::nanoTime);
    private volatile boolean closed;

    /** The stream with a note of when something is waited for. */
    private final class Watched extends InputStream {
        @Override
        public int read() throws IOException {
            silence.waiting();
            int read = transport.read();
            silence.received();
            return read;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            silence.waiting();
            int read = transport.read(target, offset, length);
            silence.received();
            return read;
        }
    }

    Session(Transport transport) {
        this.transport = transport;
        this.reader = new MessageReader(new Watched());
    }

    /** Changes of replicated rows, with the transaction they lead to if the server names it. */
    record Notified(Optional<String> lastTransaction, List<Message.TableChanges> tables) {}

    void layouts(Map<String, Row.Layout> layouts) {
        reader.layouts(layouts);
    }

    /** Sends a request and reads until its answer; only before other requests are made. */
    Body call(MessageReader.Expected expected, LongFunction<byte[]> request) {
        long id = lastId.incrementAndGet();
        reader.expect(expected);
        try {
            unanswered.incrementAndGet();
            send(request.apply(id));
            while (true) {
                Message message = read();
                if (message instanceof Message.Reply reply && reply.id() == id) {
                    unanswered.decrementAndGet();
                    reply.failure().ifPresent(Session::raise);
                    return reply.body();
                }
                handle(message);
            }
        } finally {
            reader.expect(MessageReader.Expected.ANY);
        }
    }

    /**
     * Sends a request; the answer is given to the future by the thread that reads.
     *
     * @param deadline after which nobody waits for the answer any more; empty = as long as the
     *     connection lasts
     */
    CompletableFuture<Message.Reply> submit(
            Optional<Duration> deadline, LongFunction<byte[]> request) {
        if (pending.size() >= Replica.PENDING_LIMIT) {
            return CompletableFuture.failedFuture(
                    new OvsdbException(
                            Category.RESOURCES,
                            "more than " + Replica.PENDING_LIMIT + " requests are unanswered"));
        }
        long id = lastId.incrementAndGet();
        byte[] bytes = request.apply(id);
        if (bytes.length > Replica.REQUEST_LIMIT_BYTES) {
            return CompletableFuture.failedFuture(
                    new OvsdbException(
                            Category.RESOURCES,
                            "a request of "
                                    + bytes.length
                                    + " bytes exceeds "
                                    + Replica.REQUEST_LIMIT_BYTES));
        }
        var future = new CompletableFuture<Message.Reply>();
        pending.put(id, future);
        deadline.ifPresent(limit -> future.orTimeout(limit.toMillis(), TimeUnit.MILLISECONDS));
        future.whenComplete((reply, error) -> pending.remove(id));
        try {
            unanswered.incrementAndGet();
            send(bytes);
            if (closed) {
                throw gone("the connection was closed");
            }
        } catch (OvsdbException e) {
            future.completeExceptionally(e);
        }
        return future;
    }

    /** Reads one message and acts on all but row changes, which are returned. */
    Optional<Notified> next() {
        return handle(read());
    }

    private Optional<Notified> handle(Message message) {
        switch (message) {
            case Message.Reply reply -> {
                if (reply.id() != ECHO) {
                    unanswered.decrementAndGet();
                }
                CompletableFuture<Message.Reply> future = pending.get(reply.id());
                if (future != null) {
                    future.complete(reply);
                }
                return Optional.empty();
            }
            case Message.Call call -> {
                return switch (call.method()) {
                    case "echo" -> {
                        send(MessageWriter.echoReply(call));
                        yield Optional.empty();
                    }
                    case "update2" ->
                            Optional.of(new Notified(Optional.empty(), call.params().updates()));
                    case "update3" ->
                            Optional.of(
                                    new Notified(
                                            Optional.of(call.params().texts().getLast()),
                                            call.params().updates()));
                    default -> Optional.empty();
                };
            }
        }
    }

    private Message read() {
        try {
            return reader.next().orElseThrow(() -> gone("the server closed the connection"));
        } catch (JacksonException e) {
            String reason = e.getOriginalMessage();
            throw new OvsdbException(Category.DISCONNECTED, "cannot read: " + reason, e);
        }
    }

    private void send(byte[] bytes) {
        writing.lock();
        try {
            transport.write(bytes);
        } catch (IOException e) {
            close();
            throw new OvsdbException(Category.DISCONNECTED, "cannot write: " + e.getMessage(), e);
        } finally {
            writing.unlock();
        }
    }

    /**
     * Sends an echo when the peer is quiet, and ends the session when it stays quiet ({@link
     * Silence}). Nothing over a connection whose end the kernel tells.
     */
    void probe(Duration interval) {
        if (!transport.canVanish() || transport.isReadable()) {
            return;
        }
        switch (silence.look(interval, unanswered.get() > 0)) {
            case FINE -> {}
            case ASK -> ask();
            case GONE -> close();
        }
    }

    private void ask() {
        if (!writing.tryLock()) {
            // A writer is at work or stuck: what it writes is not answered by a peer that is gone.
            silence.asked();
            return;
        }
        try {
            silence.asked();
            transport.write(MessageWriter.echo(ECHO));
        } catch (IOException e) {
            close();
        } finally {
            writing.unlock();
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            transport.close();
        } catch (IOException e) {
            System.getLogger(Session.class.getName())
                    .log(System.Logger.Level.DEBUG, "closing a connection failed", e);
        }
        var lost = gone("the connection was lost before the answer");
        pending.values().forEach(future -> future.completeExceptionally(lost));
    }

    static void raise(Message.Failure failure) {
        throw exception(failure);
    }

    static OvsdbException exception(Message.Failure failure) {
        String details = failure.details().isEmpty() ? "" : ": " + failure.details();
        return new OvsdbException(
                OvsdbException.categoryOf(failure.error()), failure.error() + details);
    }

    private static OvsdbException gone(String message) {
        return new OvsdbException(Category.DISCONNECTED, message);
    }
}
