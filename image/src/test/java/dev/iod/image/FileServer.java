package dev.iod.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A web server on loopback that answers each path with the bytes it was given for it. */
final class FileServer implements AutoCloseable {
    /** Writes an answer, head and all. */
    @FunctionalInterface
    interface Answer {
        void write(OutputStream out) throws Exception;
    }

    private final ServerSocket server;
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();

    FileServer(ServerSocket server) {
        this.server = server;
        Thread.ofVirtual().start(this::serve);
    }

    FileServer() throws IOException {
        this(new ServerSocket(0, 10, InetAddress.getLoopbackAddress()));
    }

    int port() {
        return server.getLocalPort();
    }

    /** The heads of the requests so far. */
    List<String> asked() {
        return asked;
    }

    void answer(String path, Answer answer) {
        answers.put(path, answer);
    }

    /** 200 with its length. */
    void file(String path, byte[] bytes) {
        answer(
                path,
                out -> {
                    out.write(
                            ascii(
                                    "HTTP/1.1 200 OK\r\nContent-Length: "
                                            + bytes.length
                                            + "\r\n\r\n"));
                    out.write(bytes);
                });
    }

    void head(String path, String head) {
        answer(path, out -> out.write(ascii(head)));
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private void serve() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> answer(socket));
            } catch (SocketException e) {
                return; // closed
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void answer(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next < 0) {
                    return;
                }
                head.append((char) next);
            }
            asked.add(head.toString());
            String path = head.toString().split(" ", 3)[1];
            answers.getOrDefault(path, out -> out.write(ascii("HTTP/1.1 404 Not Found\r\n\r\n")))
                    .write(socket.getOutputStream());
        } catch (Exception e) {
            // The client has enough of it; tests look at what became of that.
            return;
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
