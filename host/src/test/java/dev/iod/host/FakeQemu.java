package dev.iod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/**
 * A process that runs, QMP and a serial console; as slow as a test wants. Commands are executed one
 * after the other, as QEMU does.
 */
final class FakeQemu implements AutoCloseable {
    /** Commands that were begun. */
    final BlockingQueue<String> commands = new LinkedBlockingQueue<>();

    /** The connections of users of the serial console. */
    final BlockingQueue<SocketChannel> users = new LinkedBlockingQueue<>();

    private final GuestDirectory directory;
    private final Process process;
    private final ServerSocketChannel qmp;
    private volatile Consumer<String> before = command -> {};
    private volatile String ring = "";
    private volatile Optional<ServerSocketChannel> serial = Optional.empty();

    FakeQemu(GuestDirectory directory) throws IOException {
        this.directory = directory;
        this.process = new ProcessBuilder("sleep", "1000").start();
        this.qmp = listen(directory.qmpSocket());
        Thread.ofVirtual().start(this::serve);
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(path));
        return listener;
    }

    GuestProcess process() {
        return GuestProcess.of(process.pid()).orElseThrow();
    }

    /** Runs before each command, which waits for it. */
    void before(Consumer<String> action) {
        before = action;
    }

    /** What the guest has written since the last look. */
    void writes(String text) {
        ring = text;
    }

    /** The console as a daemon that was killed, or a late command, leaves it. */
    void useSocket() throws IOException {
        serial = Optional.of(listen(directory.consoleSocket(ConsoleKind.SERIAL)));
    }

    private void serve() {
        try {
            while (true) {
                serve(qmp.accept());
            }
        } catch (ClosedChannelException e) {
            // The test is over.
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void serve(SocketChannel client) throws IOException {
        send(client, Map.of("QMP", Map.of()));
        Lines lines = new Lines(client, Lines.MAX_BYTES);
        for (Optional<byte[]> line = lines.next(); line.isPresent(); line = lines.next()) {
            Fields command = Fields.parse(line.get());
            String name = command.text("execute");
            commands.add(name);
            before.accept(name);
            send(client, answer(name, command));
        }
    }

    private Map<String, Object> answer(String name, Fields command) throws IOException {
        Object result =
                switch (name) {
                    case "query-status" -> Map.of("status", "running");
                    case "query-chardev" ->
                            List.of(
                                    Map.of(
                                            "label",
                                            QemuCommand.CONSOLE,
                                            "filename",
                                            serial.isPresent() ? "unix:serial" : "ringbuf",
                                            "frontend-open",
                                            true));
                    case "ringbuf-read" -> {
                        if (serial.isPresent()) {
                            yield Optional.empty();
                        }
                        String output = ring;
                        ring = "";
                        yield Base64.getEncoder()
                                .encodeToString(output.getBytes(StandardCharsets.UTF_8));
                    }
                    case "chardev-change" -> {
                        change(command.fields("arguments").fields("backend").text("type"));
                        yield Map.of();
                    }
                    case "query-pci", "qom-list" -> List.of();
                    default -> Map.of();
                };
        long id = command.number("id");
        return result.equals(Optional.empty())
                ? Map.of("id", id, "error", Map.of("desc", "it is no ring"))
                : Map.of("id", id, "return", result);
    }

    private void change(String type) throws IOException {
        if (serial.isPresent()) {
            serial.get().close();
            serial = Optional.empty();
        }
        if (type.equals("socket")) {
            ServerSocketChannel listener = listen(directory.consoleSocket(ConsoleKind.SERIAL));
            serial = Optional.of(listener);
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    users.add(listener.accept());
                                } catch (IOException e) {
                                    // Nobody came.
                                }
                            });
        }
    }

    private static void send(SocketChannel client, Map<String, Object> line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Json.line(line));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        qmp.close();
        process.destroyForcibly();
    }
}
