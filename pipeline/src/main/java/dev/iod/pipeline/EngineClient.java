package dev.iod.pipeline;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.ReportCodec.Query;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The agent's end of the engine's control socket. It connects by itself and again after every loss
 * (backing off from 20 ms to 200 ms); what was sent on a lost connection fails with UNAVAILABLE,
 * and the agent answers {@link Listener#connected} with a replacement transaction. All methods may
 * be called by any thread; the listener is called by one thread of the client's own, so it may
 * wait.
 */
public final class EngineClient implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineClient.class.getName());
    private static final int MAX_QUEUED_CALLS = 4096;
    private static final int MAX_OUTSTANDING = 1024;
    private static final long FIRST_DELAY_MILLIS = 20;
    private static final long LAST_DELAY_MILLIS = 200;

    private final UnixDomainSocketAddress address;
    private final String name;
    private final Listener listener;
    private final Map<Integer, CompletableFuture<Frame>> outstanding = new ConcurrentHashMap<>();
    private final AtomicInteger nextExchange = new AtomicInteger(1);
    private final ExecutorService calls;
    private final Thread reader;
    private volatile @Nullable FrameChannel channel;
    private volatile boolean closed;

    /** What the engine and the connection tell the agent. */
    public interface Listener {
        /** The engine can be talked to; its state is what it was told before, or empty. */
        void connected(EngineClient client);

        /** The connection was lost; the engine, if alive, goes on with what it knows. */
        void disconnected(String reason);

        void event(EngineEvent event);
    }

    private EngineClient(Path socket, String name, Listener listener) {
        this.address = UnixDomainSocketAddress.of(socket);
        this.name = name;
        this.listener = listener;
        this.calls =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(MAX_QUEUED_CALLS),
                        Thread.ofPlatform().daemon().name("engine-client-calls").factory(),
                        (task, pool) ->
                                LOG.log(
                                        System.Logger.Level.WARNING,
                                        "an engine event was dropped: the agent is too slow"));
        this.reader = Thread.ofPlatform().daemon().name("engine-client").unstarted(this::run);
    }

    /**
     * Starts connecting in the background.
     *
     * @param name how this agent calls itself in the engine's log
     */
    public static EngineClient open(Path socket, String name, Listener listener) {
        EngineClient client = new EngineClient(socket, name, listener);
        client.reader.start();
        return client;
    }

    public boolean isConnected() {
        return channel != null;
    }

    /** Changes to the engine's present state. */
    public Transaction transaction() {
        return new Transaction(false);
    }

    /**
     * The engine's whole new state: rows that are not put are removed at commit; devices and
     * connections that stay are not disturbed.
     */
    public Transaction replacement() {
        return new Transaction(true);
    }

    public CompletableFuture<EngineReport.Counters> counters() {
        return query(new Query.Counters()).thenApply(EngineReport.Counters.class::cast);
    }

    public CompletableFuture<EngineReport.Devices> devices() {
        return query(new Query.Devices()).thenApply(EngineReport.Devices.class::cast);
    }

    /** Up to {@code max} entries of the flow table. */
    public CompletableFuture<EngineReport.Flows> flows(int max) {
        return query(new Query.Flows(max)).thenApply(EngineReport.Flows.class::cast);
    }

    /**
     * A part of the connection table. Connections made or gone between two calls may be missed.
     *
     * @param cursor 0 for the first part, then {@code next} of the part before
     * @param max most connections of this part; the engine may give fewer
     */
    public CompletableFuture<EngineReport.Connections> connections(int cursor, int max) {
        return query(new Query.Connections(cursor, max))
                .thenApply(EngineReport.Connections.class::cast);
    }

    /** Runs a frame through the pipeline as if it entered by a logical port, without effects. */
    public CompletableFuture<EngineReport.Trace> trace(long inPort, byte[] frame) {
        return trace(inPort, frame, List.of());
    }

    /**
     * A trace under assumptions: the first of them stands for what the first conntrack lookup on
     * the packet's way says, and so on; the last one also for all that follow.
     */
    public CompletableFuture<EngineReport.Trace> trace(
            long inPort, byte[] frame, List<EngineReport.AssumedConnection> assumed) {
        return query(new Query.Trace(inPort, frame, assumed))
                .thenApply(EngineReport.Trace.class::cast);
    }

    /** Collects changes; used by one thread. Nothing is sent before {@link #commit()}. */
    public final class Transaction {
        private final boolean replace;
        private final List<Object> changes = new ArrayList<>();

        private Transaction(boolean replace) {
            this.replace = replace;
        }

        public Transaction put(Entity entity) {
            changes.add(entity);
            return this;
        }

        /** Removing what does not exist is no error. */
        public Transaction remove(EntityKey key) {
            changes.add(key);
            return this;
        }

        public boolean isEmpty() {
            return changes.isEmpty();
        }

        /**
         * Applies all changes in order, or none. Completes when packets are handled by the new
         * state; fails with an {@link EngineException}.
         */
        public CompletableFuture<Void> commit() {
            return exchange(this::send).thenApply(frame -> done(frame));
        }

        private void send(FrameChannel to, int exchange) throws IOException {
            to.write(FrameType.BEGIN.code(), exchange, new WireWriter().bool(replace).toArray());
            for (Object change : changes) {
                WireWriter out = new WireWriter();
                if (change instanceof Entity entity) {
                    EntityCodec.write(out, entity);
                    to.write(FrameType.PUT.code(), exchange, out.toArray());
                } else if (change instanceof EntityKey key) {
                    EntityCodec.writeKey(out, key);
                    to.write(FrameType.REMOVE.code(), exchange, out.toArray());
                }
            }
            to.send(FrameType.COMMIT.code(), exchange, new byte[0]);
        }
    }

    @SuppressWarnings("NullAway") // Void has no other value
    private static Void done(Frame frame) {
        frame.reader().expectEnd();
        return null;
    }

    private interface Sender {
        void send(FrameChannel to, int exchange) throws IOException;
    }

    private CompletableFuture<EngineReport> query(Query query) {
        byte[] body = ReportCodec.writeQuery(query);
        return exchange((to, exchange) -> to.send(FrameType.QUERY.code(), exchange, body))
                .thenApply(frame -> ReportCodec.readReport(frame.reader()));
    }

    private CompletableFuture<Frame> exchange(Sender sender) {
        FrameChannel to = channel;
        if (to == null) {
            return CompletableFuture.failedFuture(unavailable("not connected to the engine"));
        }
        if (outstanding.size() >= MAX_OUTSTANDING) {
            return CompletableFuture.failedFuture(
                    new EngineException(
                            Category.LIMIT,
                            MAX_OUTSTANDING + " requests to the engine are not answered yet"));
        }
        int exchange = nextExchange.getAndIncrement();
        CompletableFuture<Frame> future = new CompletableFuture<>();
        outstanding.put(exchange, future);
        try {
            synchronized (to) {
                sender.send(to, exchange);
            }
        } catch (IOException e) {
            outstanding.remove(exchange);
            return CompletableFuture.failedFuture(unavailable("the engine's connection: " + e));
        } catch (EngineException e) {
            outstanding.remove(exchange);
            return CompletableFuture.failedFuture(e);
        }
        if (channel != to && outstanding.remove(exchange) != null) {
            future.completeExceptionally(unavailable("the engine's connection was lost"));
        }
        return future;
    }

    private void run() {
        long delayMillis = FIRST_DELAY_MILLIS;
        while (!closed) {
            try (FrameChannel connection = connect()) {
                delayMillis = FIRST_DELAY_MILLIS;
                channel = connection;
                if (closed) {
                    return;
                }
                calls.execute(() -> listener.connected(this));
                receive(connection);
            } catch (IOException | EngineException e) {
                if (channel != null) {
                    lost(String.valueOf(e.getMessage()));
                }
            }
            if (!closed) {
                pause(delayMillis);
                delayMillis = Math.min(delayMillis * 2, LAST_DELAY_MILLIS);
            }
        }
    }

    private FrameChannel connect() throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        FrameChannel connection = new FrameChannel(socket);
        try {
            socket.connect(address);
            connection.send(FrameChannel.HELLO, 0, FrameChannel.hello(FrameType.VERSION, name));
            FrameChannel.readHello(connection.receive(), FrameType.VERSION);
            return connection;
        } catch (IOException | EngineException e) {
            connection.close();
            throw e;
        }
    }

    private void receive(FrameChannel connection) throws IOException {
        while (true) {
            Frame frame = connection.receive();
            FrameType type = FrameType.of(frame);
            switch (type) {
                case EVENT -> {
                    EngineEvent event = ReportCodec.readEvent(frame.reader());
                    calls.execute(() -> listener.event(event));
                }
                case DONE, ANSWER, FAILED -> complete(frame);
                case BEGIN, PUT, REMOVE, COMMIT, QUERY ->
                        throw WireReader.malformed("an engine does not send " + type);
            }
        }
    }

    private void complete(Frame frame) {
        CompletableFuture<Frame> future = outstanding.remove(frame.exchange());
        if (future == null) {
            return;
        }
        if (FrameType.of(frame) == FrameType.FAILED) {
            WireReader in = frame.reader();
            Category category = Category.of(in.u8());
            future.completeExceptionally(new EngineException(category, in.text()));
        } else {
            future.complete(frame);
        }
    }

    private void lost(String reason) {
        channel = null;
        for (Integer exchange : List.copyOf(outstanding.keySet())) {
            CompletableFuture<Frame> future = outstanding.remove(exchange);
            if (future != null) {
                future.completeExceptionally(
                        unavailable("the engine's connection was lost: " + reason));
            }
        }
        if (!closed) {
            calls.execute(() -> listener.disconnected(reason));
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static EngineException unavailable(String message) {
        return new EngineException(Category.UNAVAILABLE, message);
    }

    @Override
    public void close() {
        closed = true;
        FrameChannel open = channel;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "closing the engine's connection", e);
            }
        }
        reader.interrupt();
        calls.shutdown();
    }
}
