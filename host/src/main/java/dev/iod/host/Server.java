package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The daemon's socket: only its owner can connect, and only so many at a time. */
final class Server implements AutoCloseable {
    /** Clients at a time; one more is disconnected at once. */
    static final int MAX_SESSIONS = 16 + Machines.MAX_CONSOLES;

    private static final System.Logger LOG = System.getLogger(Server.class.getName());

    private final Path socket;
    private final Machines machines;
    private final ServerSocketChannel channel;
    private final Set<ClientSession> sessions = ConcurrentHashMap.newKeySet();

    private Server(Path socket, Machines machines, ServerSocketChannel channel) {
        this.socket = socket;
        this.machines = machines;
        this.channel = channel;
    }

    /**
     * Listens; the caller holds the lock that makes an existing socket file a stale one.
     *
     * @throws HostException INVALID when the path is too long
     */
    static Server listen(Path socket, Machines machines) throws IOException {
        Files.deleteIfExists(socket);
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.bind(SocketPath.address(socket), MAX_SESSIONS);
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            return new Server(socket, machines, channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Tells every client that watches. */
    void changed(MachineStatus status) {
        sessions.forEach(session -> session.changed(status));
    }

    /** Accepts clients until it is closed. */
    void serve() throws IOException {
        while (true) {
            SocketChannel client;
            try {
                client = channel.accept();
            } catch (ClosedChannelException e) {
                return;
            }
            if (sessions.size() >= MAX_SESSIONS) {
                LOG.log(Level.WARNING, "a client is refused: {0} are connected", MAX_SESSIONS);
                client.close();
                continue;
            }
            ClientSession session = new ClientSession(client, machines);
            sessions.add(session);
            Thread.ofVirtual()
                    .name("session")
                    .start(
                            () -> {
                                try {
                                    session.serve();
                                } finally {
                                    sessions.remove(session);
                                }
                            });
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(socket);
        sessions.forEach(ClientSession::close);
    }
}
