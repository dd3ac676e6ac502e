package dev.iod.rest;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;

/**
 * The region's HTTP listener (RFC 9110, 9112). One virtual thread a connection, one that accepts
 * and one that cuts connections whose time is over. What it gives is {@link ServerLimits}.
 */
public final class ApiServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ApiServer.class.getName());
    private static final int BACKLOG = 1024;
    private static final Duration GRACE = Duration.ofMillis(500);
    private static final Duration LOOK = Duration.ofMillis(500);

    private final ServerSocket listener;
    private final Connections connections;
    private final Dispatcher dispatcher;
    private final ServerLimits limits;
    private final Thread accepting;
    private final Thread cutting;
    private volatile boolean stopped;

    private ApiServer(ServerSocket listener, Dispatcher dispatcher, ServerLimits limits) {
        this.listener = listener;
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.connections = new Connections(limits.connections(), limits.connectionsPerAddress());
        this.accepting = Thread.ofPlatform().daemon().name("api-accept").unstarted(this::accept);
        this.cutting = Thread.ofVirtual().name("api-deadlines").unstarted(this::cut);
    }

    /**
     * Starts to listen.
     *
     * @param port 0 for any free port
     * @throws IllegalStateException when the port cannot be had
     */
    public static ApiServer start(
            InetAddress address,
            int port,
            List<Api> apis,
            Authenticator authenticator,
            Outcomes outcomes,
            ServerLimits limits) {
        Dispatcher dispatcher = new Dispatcher(new Router(apis), authenticator, outcomes, limits);
        ServerSocket listener;
        try {
            listener = new ServerSocket();
            listener.setReuseAddress(true);
            listener.bind(new InetSocketAddress(address, port), BACKLOG);
        } catch (IOException e) {
            throw new IllegalStateException(
                    "the API cannot listen on %s:%d: %s".formatted(address, port, e.getMessage()),
                    e);
        }
        ApiServer server = new ApiServer(listener, dispatcher, limits);
        server.accepting.start();
        server.cutting.start();
        return server;
    }

    /** The TCP port it listens on. */
    public int port() {
        return listener.getLocalPort();
    }

    /** Connections that are open. */
    int connections() {
        return connections.size();
    }

    /** Bytes of bodies that are in memory. */
    long bodyBytes() {
        return dispatcher.bodyBytes();
    }

    /** Takes no more requests, and gives those that run a moment to finish. */
    @Override
    public void close() {
        stopped = true;
        try {
            listener.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "closing the listener", e);
        }
        cutting.interrupt();
        connections.close();
        try {
            for (long end = System.nanoTime() + GRACE.toNanos();
                    connections.size() > 0 && System.nanoTime() < end; ) {
                Thread.sleep(Duration.ofMillis(5));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        connections.cutAll();
    }

    private void accept() {
        while (!stopped) {
            try {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                HttpConnection connection =
                        new HttpConnection(socket, connections, dispatcher, limits);
                if (connections.admit(connection)) {
                    Thread.ofVirtual().name("api").start(connection);
                } else {
                    connection.refuse();
                }
            } catch (IOException e) {
                if (!stopped) {
                    // Most likely no descriptor is free; those that are late give theirs back.
                    LOG.log(System.Logger.Level.WARNING, "accepting a connection", e);
                    pause();
                }
            }
        }
    }

    private void cut() {
        while (!stopped) {
            pause();
            connections.cutLate(System.nanoTime());
        }
    }

    private void pause() {
        try {
            Thread.sleep(LOOK);
        } catch (InterruptedException e) {
            if (!stopped) {
                LOG.log(System.Logger.Level.WARNING, "interrupted without being stopped");
            }
        }
    }
}
