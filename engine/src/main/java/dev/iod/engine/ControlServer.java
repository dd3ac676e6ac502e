package dev.iod.engine;

import dev.iod.engine.FrameChannel.Frame;
import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine's end of its control socket: a thread that accepts and one per agent. An agent that
 * goes away, or sends nonsense, changes nothing but its own {@link Session}.
 */
public final class ControlServer implements AutoCloseable {
    /** Most agents at a time, those included that have not said anything yet. */
    public static final int MAX_AGENTS = 8;

    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());

    private final Protocol protocol;
    private final Path path;
    private final ServerSocketChannel server;
    private final Set<FrameChannel> agents = ConcurrentHashMap.newKeySet();
    private final AtomicInteger serving = new AtomicInteger();
    private volatile boolean stopped;

    /** What an engine has to say to its agents. */
    public interface Protocol {
        /** First thing an agent is told, and the engine's name in logs. */
        String engine();

        int version();

        /**
         * An agent has said who it is. Called by its thread, as the session is.
         *
         * @param agent may be kept and sent to by any thread, until it fails
         */
        Session open(FrameChannel agent) throws IOException;
    }

    /** One agent's frames, in order. */
    public interface Session {
        /**
         * @throws EngineException what makes no sense; the agent is cut off
         */
        void receive(Frame frame) throws IOException;
    }

    private ControlServer(Protocol protocol, Path path, ServerSocketChannel server) {
        this.protocol = protocol;
        this.path = path;
        this.server = server;
    }

    /**
     * Starts to listen; a socket file that is left over is replaced. Only its owner may connect.
     */
    public static ControlServer start(Protocol protocol, Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        ControlServer running = new ControlServer(protocol, path, server);
        Thread.ofPlatform().daemon().name("control-accept").start(running::accept);
        return running;
    }

    /** Sends a frame that nobody asked for to all agents; any thread. */
    public void broadcast(int type, byte[] body) {
        for (FrameChannel agent : agents) {
            try {
                agent.send(type, 0, body);
            } catch (IOException e) {
                LOG.log(Level.DEBUG, "an agent left", e);
            }
        }
    }

    private void accept() {
        while (!stopped) {
            try {
                SocketChannel socket = server.accept();
                if (serving.get() >= MAX_AGENTS) {
                    LOG.log(Level.WARNING, "refused an agent: too many");
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
                    LOG.log(Level.ERROR, "accepting agents", e);
                    return;
                }
            }
        }
    }

    private void serve(FrameChannel channel) {
        String name = "an agent";
        try (channel) {
            name = FrameChannel.readHello(channel.receive(), protocol.version());
            byte[] hello = FrameChannel.hello(protocol.version(), protocol.engine());
            channel.send(FrameChannel.HELLO, 0, hello);
            LOG.log(Level.INFO, "agent " + name + " connected");
            agents.add(channel);
            Session session = protocol.open(channel);
            while (!stopped) {
                session.receive(channel.receive());
            }
        } catch (EOFException | ClosedChannelException e) {
            LOG.log(Level.INFO, "agent " + name + " left");
        } catch (IOException | EngineException e) {
            LOG.log(Level.WARNING, "the connection of " + name + ": " + e.getMessage());
        } catch (RuntimeException e) {
            // One agent's request met a defect: the engine goes on, the agent connects again.
            LOG.log(Level.ERROR, "a request of " + name + " failed", e);
        } finally {
            agents.remove(channel);
            serving.decrementAndGet();
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
            LOG.log(Level.DEBUG, "closing the control socket", e);
        }
    }
}
