package dev.iod.block;

import dev.iod.block.BlockException.Category;
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

/**
 * The engine's end of the control socket: a thread that accepts and one per agent. An agent that
 * goes away, or sends nonsense, changes nothing.
 */
final class ControlServer implements AutoCloseable {
    static final int MAX_AGENTS = 8;

    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());

    /** Longest message on the wire, characters. */
    private static final int MAX_MESSAGE = 2000;

    private final BlockEngine engine;
    private final Path path;
    private final ServerSocketChannel server;
    private final Set<FrameChannel> agents = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;

    private ControlServer(BlockEngine engine, Path path, ServerSocketChannel server) {
        this.engine = engine;
        this.path = path;
        this.server = server;
    }

    /** Starts to listen; a socket file that is left over is replaced. */
    static ControlServer start(BlockEngine engine, Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        ControlServer running = new ControlServer(engine, path, server);
        Thread.ofPlatform().daemon().name("control-accept").start(running::accept);
        return running;
    }

    private void accept() {
        while (!stopped) {
            try {
                SocketChannel socket = server.accept();
                if (agents.size() >= MAX_AGENTS) {
                    LOG.log(Level.WARNING, "refused an agent: too many");
                    socket.close();
                } else {
                    FrameChannel channel = new FrameChannel(socket);
                    agents.add(channel);
                    Thread.ofPlatform().daemon().name("control-agent").start(() -> serve(channel));
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
            name = channel.greet("block");
            LOG.log(Level.INFO, "agent " + name + " connected");
            while (!stopped) {
                channel.send(answer(channel.receive()));
            }
        } catch (EOFException | ClosedChannelException e) {
            LOG.log(Level.INFO, "agent " + name + " left");
        } catch (IOException | BlockException e) {
            LOG.log(Level.WARNING, "the connection of " + name + ": " + e.getMessage());
        } finally {
            agents.remove(channel);
        }
    }

    private byte[] answer(byte[] frame) {
        try {
            return CommandCodec.write(engine.run(CommandCodec.readCommand(frame)));
        } catch (BlockException e) {
            return CommandCodec.failed(e.category(), shorten(String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            // One command met a defect: volumes are served on, the agent learns that it failed.
            LOG.log(Level.ERROR, "a command failed", e);
            return CommandCodec.failed(Category.FAILED, shorten(String.valueOf(e)));
        }
    }

    private static String shorten(String message) {
        return message.substring(0, Math.min(message.length(), MAX_MESSAGE));
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
