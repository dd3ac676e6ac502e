package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IO;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Semaphore;

/**
 * Gives a process's figures to whoever may open a unix socket: {@code curl --unix-socket
 * metrics.sock http://localhost/metrics}. At most {@value #READERS} at once; others are hung up on.
 */
public final class MetricsSocket implements AutoCloseable {
    static final int READERS = 4;

    private static final Logger LOG = System.getLogger(MetricsSocket.class.getName());
    private static final int REQUEST_LIMIT_BYTES = 4096;

    private final Metrics metrics;
    private final Path socket;
    private final ServerSocketChannel listener;
    private final Semaphore readers = new Semaphore(READERS);

    private MetricsSocket(Metrics metrics, Path socket, ServerSocketChannel listener) {
        this.metrics = metrics;
        this.socket = socket;
        this.listener = listener;
    }

    /** Listens; a socket left by an earlier process is replaced. Only the owner may open it. */
    public static MetricsSocket open(Metrics metrics, Path socket) {
        try {
            Files.deleteIfExists(socket);
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            listener.bind(UnixDomainSocketAddress.of(socket));
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            MetricsSocket opened = new MetricsSocket(metrics, socket, listener);
            Thread.ofVirtual().name("metrics").start(opened::accept);
            return opened;
        } catch (IOException e) {
            throw new SetupException(IO, "cannot listen on " + socket + ": " + e, e);
        }
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel reader = listener.accept();
                if (readers.tryAcquire()) {
                    Thread.ofVirtual().name("metrics-reader").start(() -> serve(reader));
                } else {
                    reader.close();
                }
            }
        } catch (AsynchronousCloseException e) {
            LOG.log(Level.DEBUG, "the metrics socket was closed");
        } catch (IOException e) {
            LOG.log(Level.WARNING, "metrics are not served any more", e);
        }
    }

    private void serve(SocketChannel reader) {
        try (reader) {
            if (asked(reader)) {
                byte[] figures = metrics.write();
                String head =
                        "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n\r\n"
                                .formatted(
                                        Metrics.CONTENT_TYPE, figures.length, "Connection: close");
                write(reader, head.getBytes(StandardCharsets.US_ASCII));
                write(reader, figures);
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a reader of metrics hung up", e);
        } finally {
            readers.release();
        }
    }

    /** Reads to the end of the request's head; what it says does not matter. */
    private static boolean asked(SocketChannel reader) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(REQUEST_LIMIT_BYTES);
        while (head.hasRemaining() && reader.read(head) > 0) {
            String text = new String(head.array(), 0, head.position(), StandardCharsets.US_ASCII);
            if (text.endsWith("\r\n\r\n")) {
                return true;
            }
        }
        return false;
    }

    private static void write(SocketChannel reader, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            reader.write(buffer);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        Files.deleteIfExists(socket);
    }
}
