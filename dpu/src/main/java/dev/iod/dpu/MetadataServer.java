package dev.iod.dpu;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.iod.dpu.MetadataTree.Leaf;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The metadata of one network, on 169.254.169.254:80 in its namespace. Who asks is read from the
 * address the packet engine gave its connection, which no guest can write; headers mean nothing. At
 * most {@value #THREADS} requests are answered at once and {@value #WAITING} wait.
 */
final class MetadataServer implements AutoCloseable {
    static final int THREADS = 8;
    static final int WAITING = 64;

    private static final Logger LOG = System.getLogger(MetadataServer.class.getName());
    private static final int BACKLOG = 128;
    private static final int KEY_MASK = 0x1ffff;

    private final HttpServer server;
    private final ThreadPoolExecutor threads;
    private final Function<Integer, Optional<MetadataTree>> clients;
    private final AgentMetrics metrics;

    /**
     * Listens at once.
     *
     * @param clients what the client with this port key may read
     */
    MetadataServer(
            Namespaces.Place place,
            int port,
            Function<Integer, Optional<MetadataTree>> clients,
            AgentMetrics metrics) {
        this.clients = clients;
        this.metrics = metrics;
        this.threads =
                new ThreadPoolExecutor(
                        THREADS,
                        THREADS,
                        10,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(WAITING),
                        Thread.ofPlatform().daemon().name("metadata-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
        this.server = Namespaces.inside(place, () -> listen(port));
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    private static HttpServer listen(int port) throws IOException {
        byte[] address = {(byte) 169, (byte) 254, (byte) 169, (byte) 254};
        return HttpServer.create(
                new InetSocketAddress(InetAddress.getByAddress(address), port), BACKLOG);
    }

    /** The port key in a client's address, or empty when the engine did not give it. */
    static Optional<Integer> portKey(InetAddress client) {
        byte[] a = client.getAddress();
        if (a.length != 4 || (a[0] & 0xff) != 198 || (a[1] & 0xfe) != 18) {
            return Optional.empty();
        }
        int bits = (a[1] & 0xff) << 16 | (a[2] & 0xff) << 8 | a[3] & 0xff;
        return Optional.of(bits & KEY_MASK);
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            if (!method.equals("GET") && !method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                answer(exchange, 405, Leaf.text("405 Method Not Allowed\n"));
                return;
            }
            Optional<MetadataTree> readable =
                    portKey(exchange.getRemoteAddress().getAddress()).flatMap(clients);
            String path = exchange.getRequestURI().getPath();
            Optional<Leaf> found = readable.flatMap(tree -> MetadataTree.find(tree, path));
            if (found.isPresent()) {
                metrics.add(AgentMetrics.Count.METADATA_FOUND);
                answer(exchange, 200, found.get());
            } else {
                metrics.add(AgentMetrics.Count.METADATA_NOT_FOUND);
                String text = "404 Not Found\n\nThe resource could not be found.\n";
                answer(exchange, 404, Leaf.text(text));
            }
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "metadata request failed", e);
        }
    }

    private static void answer(HttpExchange exchange, int status, Leaf leaf) throws IOException {
        byte[] content = leaf.content();
        exchange.getResponseHeaders().set("Content-Type", leaf.contentType());
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
            exchange.sendResponseHeaders(status, -1);
        } else {
            // 0 would mean "of unknown length" to this server.
            exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
            exchange.getResponseBody().write(content);
        }
        LOG.log(
                Level.DEBUG,
                () ->
                        "metadata client=%s path=%s status=%d"
                                .formatted(
                                        exchange.getRemoteAddress().getAddress().getHostAddress(),
                                        exchange.getRequestURI().getRawPath(),
                                        status));
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /** Limits of the JDK's server, which it reads once: to be set before the first one is made. */
    static void limitServer() {
        System.setProperty("jdk.httpserver.maxConnections", "256");
        System.setProperty("sun.net.httpserver.maxIdleConnections", "64");
        System.setProperty("sun.net.httpserver.maxReqHeaders", "64");
        System.setProperty("sun.net.httpserver.maxReqTime", "10");
        System.setProperty("sun.net.httpserver.maxRspTime", "30");
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }
}
