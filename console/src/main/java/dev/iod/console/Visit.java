package dev.iod.console;

import dev.iod.region.NodeConsole;
import dev.iod.rest.ApiException;
import dev.iod.rest.WebSocket;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Supplier;

/** A client's WebSocket and the console it is connected to. */
final class Visit {
    private static final System.Logger LOG = System.getLogger(Visit.class.getName());
    private static final int MAX_REASON = 100;

    private final ConsoleTokens.Grant grant;
    private final Supplier<NodeConsole> consoles;
    private volatile Optional<WebSocket> client = Optional.empty();
    private volatile long heardNanos = System.nanoTime();
    private volatile boolean stopped;

    /**
     * @param consoles opens the console
     */
    Visit(ConsoleTokens.Grant grant, Supplier<NodeConsole> consoles) {
        this.grant = grant;
        this.consoles = consoles;
    }

    ConsoleTokens.Grant grant() {
        return grant;
    }

    /** When a byte was carried last, either way. */
    long heardNanos() {
        return heardNanos;
    }

    /** Carries bytes until one side ends it. */
    void serve(WebSocket socket) throws IOException {
        client = Optional.of(socket);
        if (stopped) {
            socket.close(WebSocket.Close.GOING_AWAY, "the region is stopping");
        }
        NodeConsole console;
        try {
            console = consoles.get();
        } catch (ApiException e) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "console not opened server={0} reason={1}",
                    grant.server(),
                    e.detail());
            socket.close(WebSocket.Close.INTERNAL, ascii(e.detail()));
            return;
        }
        Thread speaker =
                Thread.ofVirtual().name("console-output").start(() -> speak(console, socket));
        try {
            for (Optional<byte[]> input = socket.read(); input.isPresent(); input = socket.read()) {
                heardNanos = System.nanoTime();
                if (input.get().length > 0 && !console.write(input.get())) {
                    break;
                }
            }
            // The console may have ended first: then the good-bye comes after its last words.
            console.close();
            speaker.join();
            while (socket.read().isPresent()) {} // Until the client has said good-bye too.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            console.close();
        }
    }

    private void speak(NodeConsole console, WebSocket socket) {
        try {
            for (Optional<byte[]> output = console.read();
                    output.isPresent();
                    output = console.read()) {
                heardNanos = System.nanoTime();
                socket.write(output.get());
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a client of a console has gone", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            console.close();
            socket.close(WebSocket.Close.NORMAL, "the console has ended");
        }
    }

    /** Ends it, from any thread. */
    void end(WebSocket.Close why, String reason) {
        stopped = true;
        client.ifPresent(socket -> socket.close(why, reason));
    }

    private static String ascii(String text) {
        String plain = text.replaceAll("[^ -~]", "?");
        return plain.substring(0, Math.min(MAX_REASON, plain.length()));
    }
}
