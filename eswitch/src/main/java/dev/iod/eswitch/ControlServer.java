package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.eswitch.forward.EventQueue;
import dev.iod.eswitch.rules.EntityStore;
import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.EntityCodec;
import dev.iod.pipeline.FrameType;
import dev.iod.pipeline.ReportCodec;
import dev.iod.pipeline.ReportCodec.Query;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The engine's end of the control socket: a thread that accepts, one per agent, one that hands out
 * events. An agent that goes away, or sends nonsense, changes nothing; its open transaction is
 * forgotten.
 */
final class ControlServer implements AutoCloseable {
    static final int MAX_AGENTS = 8;

    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());

    private final EngineControl control;
    private final EventQueue events;
    private final Path path;
    private final ServerSocketChannel server;
    private final Set<FrameChannel> agents = ConcurrentHashMap.newKeySet();

    /** Connections with a thread of their own, also those that have not said anything yet. */
    private final AtomicInteger serving = new AtomicInteger();

    private volatile boolean stopped;

    private ControlServer(
            EngineControl control, EventQueue events, Path path, ServerSocketChannel server) {
        this.control = control;
        this.events = events;
        this.path = path;
        this.server = server;
    }

    /** Starts to listen; a socket file that is left over is replaced. */
    static ControlServer start(EngineControl control, EventQueue events, Path path)
            throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        ControlServer running = new ControlServer(control, events, path, server);
        Thread.ofPlatform().daemon().name("control-accept").start(running::accept);
        Thread.ofPlatform().daemon().name("control-events").start(running::sendEvents);
        return running;
    }

    private void accept() {
        while (!stopped) {
            try {
                SocketChannel socket = server.accept();
                if (serving.get() >= MAX_AGENTS) {
                    LOG.log(System.Logger.Level.WARNING, "refused an agent: too many");
                    socket.close();
                } else {
                    serving.incrementAndGet();
                    Thread.ofPlatform()
                            .daemon()
                            .name("control-agent")
                            .start(() -> serve(new FrameChannel(socket)));
                }
            } catch (IOException e) {
                if (!stopped) {
                    LOG.log(System.Logger.Level.ERROR, "accepting agents", e);
                    return;
                }
            }
        }
    }

    private void serve(FrameChannel channel) {
        String name = "an agent";
        try (channel) {
            name = FrameChannel.readHello(channel.receive(), FrameType.VERSION);
            channel.send(FrameChannel.HELLO, 0, FrameChannel.hello(FrameType.VERSION, "eswitch"));
            LOG.log(System.Logger.Level.INFO, "agent " + name + " connected");
            agents.add(channel);
            sendDevices(channel);
            new Session(channel).run();
        } catch (EOFException | ClosedChannelException e) {
            LOG.log(System.Logger.Level.INFO, "agent " + name + " left");
        } catch (IOException | EngineException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the connection of " + name + ": " + e.getMessage());
        } catch (RuntimeException e) {
            // One agent's transaction met a defect: packets go on, the agent connects again.
            LOG.log(System.Logger.Level.ERROR, "a request of " + name + " failed", e);
        } finally {
            agents.remove(channel);
            serving.decrementAndGet();
        }
    }

    private void sendDevices(FrameChannel channel) throws IOException {
        if (control.answer(new Query.Devices()) instanceof EngineReport.Devices devices) {
            for (EngineReport.DeviceStatus d : devices.devices()) {
                EngineEvent event = new EngineEvent.DeviceState(d.id(), d.up());
                channel.send(FrameType.EVENT.code(), 0, ReportCodec.writeEvent(event));
            }
        }
    }

    private void sendEvents() {
        try {
            while (!stopped) {
                byte[] body = ReportCodec.writeEvent(events.take());
                for (FrameChannel agent : agents) {
                    try {
                        agent.send(FrameType.EVENT.code(), 0, body);
                    } catch (IOException e) {
                        LOG.log(System.Logger.Level.DEBUG, "an agent left", e);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One agent's frames, in order. */
    private final class Session {
        private final FrameChannel channel;
        private @Nullable List<Change> open;
        private boolean replace;

        Session(FrameChannel channel) {
            this.channel = channel;
        }

        void run() throws IOException {
            while (!stopped) {
                Frame frame = channel.receive();
                FrameType type = FrameType.of(frame);
                switch (type) {
                    case BEGIN -> {
                        open = new ArrayList<>();
                        replace = frame.reader().bool();
                    }
                    case PUT -> add(new Change.Put(EntityCodec.read(frame.reader())));
                    case REMOVE -> add(new Change.Remove(EntityCodec.readKey(frame.reader())));
                    case COMMIT -> commit(frame.exchange());
                    case QUERY -> query(frame);
                    case DONE, FAILED, ANSWER, EVENT ->
                            throw WireReader.malformed("an agent does not send " + type);
                }
            }
        }

        private void add(Change change) {
            List<Change> changes = open;
            if (changes == null) {
                throw WireReader.malformed("a change outside a transaction");
            }
            if (changes.size() >= EntityStore.MAX_ROWS) {
                throw new EngineException(
                        Category.LIMIT, "more than " + EntityStore.MAX_ROWS + " changes at once");
            }
            changes.add(change);
        }

        private void commit(int exchange) throws IOException {
            List<Change> changes = open;
            open = null;
            if (changes == null) {
                throw WireReader.malformed("a commit without a transaction");
            }
            try {
                control.apply(changes, replace);
                channel.send(FrameType.DONE.code(), exchange, new byte[0]);
            } catch (EngineException e) {
                fail(exchange, e);
            }
        }

        private void query(Frame frame) throws IOException {
            try {
                Query query = ReportCodec.readQuery(frame.reader());
                byte[] body = ReportCodec.writeReport(control.answer(query));
                channel.send(FrameType.ANSWER.code(), frame.exchange(), body);
            } catch (EngineException e) {
                fail(frame.exchange(), e);
            }
        }

        private void fail(int exchange, EngineException e) throws IOException {
            byte[] body =
                    new WireWriter()
                            .u8(e.category().code())
                            .text(String.valueOf(e.getMessage()))
                            .toArray();
            channel.send(FrameType.FAILED.code(), exchange, body);
        }
    }

    @Override
    public void close() {
        stopped = true;
        try {
            server.close();
            for (FrameChannel agent : agents) {
                agent.close();
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing the control socket", e);
        }
    }
}
