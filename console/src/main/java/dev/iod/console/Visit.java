package dev.iod.console;

import dev.iod.region.NodeConsole;
import dev.iod.rest.WebSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A client's WebSocket and the console it is connected to. */
final class Visit {
    /** How long a visit may be in which nobody does anything. */
    static final Duration IDLE = Duration.ofHours(1);

    /** How long one may be at all: rights may have ended since it began. */
    static final Duration LONGEST = Duration.ofHours(24);

    private static final System.Logger LOG = System.getLogger(Visit.class.getName());

    /** RFC 6143 §7.5.3: one byte of type, nine of content. */
    private static final int UPDATE_REQUEST = 3;

    private static final int UPDATE_REQUEST_BYTES = 10;

    private final ConsoleTokens.Grant grant;
    private final WebSocket socket;
    private final long begunNanos = System.nanoTime();
    private final Flow input = new Flow();
    private final Flow output = new Flow();
    private volatile Optional<NodeConsole> console = Optional.empty();
    private volatile long usedNanos = begunNanos;
    private volatile boolean ended;

    Visit(ConsoleTokens.Grant grant, WebSocket socket) {
        this.grant = grant;
        this.socket = socket;
    }

    ConsoleTokens.Grant grant() {
        return grant;
    }

    /** Why it is to end now, if it is. */
    Optional<String> over(long nowNanos) {
        if (nowNanos - begunNanos > LONGEST.toNanos()) {
            return Optional.of("a console is open for a day at most");
        } else if (nowNanos - usedNanos > IDLE.toNanos()) {
            return Optional.of("unused for an hour");
        } else if (input.stuck(nowNanos) || output.stuck(nowNanos)) {
            return Optional.of("one side took nothing for a minute");
        }
        return Optional.empty();
    }

    /** Whether something that one side said has not been taken by the other. */
    boolean isCarrying() {
        return input.isWaiting() || output.isWaiting();
    }

    /** Carries bytes until one side ends it; closes both. */
    void serve(NodeConsole node) throws IOException {
        console = Optional.of(node);
        if (ended) {
            node.close();
        }
        Thread speaker = Thread.ofVirtual().name("console-output").start(() -> speak(node));
        try {
            for (Optional<byte[]> typed = socket.read(); typed.isPresent(); typed = socket.read()) {
                if (!type(node, typed.get())) {
                    break;
                }
            }
            // The console may have ended first: then the good-bye comes after its last words.
            node.close();
            speaker.join();
            while (socket.read().isPresent()) {} // Until the client has said good-bye too.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            node.close();
        }
    }

    /** False when the console has ended. */
    private boolean type(NodeConsole node, byte[] typed) throws InterruptedException {
        if (typed.length == 0) {
            return true;
        }
        if (grant.type() == ConsoleType.SERIAL || !asksForUpdates(typed)) {
            usedNanos = System.nanoTime();
        }
        input.waits();
        boolean taken = node.write(typed);
        input.taken(typed.length);
        return taken;
    }

    /** What a display's client sends by itself, whether somebody looks at it or not. */
    private static boolean asksForUpdates(byte[] typed) {
        boolean asks = typed.length % UPDATE_REQUEST_BYTES == 0;
        for (int i = 0; asks && i < typed.length; i += UPDATE_REQUEST_BYTES) {
            asks = typed[i] == UPDATE_REQUEST;
        }
        return asks;
    }

    private void speak(NodeConsole node) {
        try {
            for (Optional<byte[]> said = node.read(); said.isPresent(); said = node.read()) {
                if (grant.type() == ConsoleType.SERIAL) {
                    usedNanos = System.nanoTime(); // A display's text cursor blinks for ever.
                }
                output.waits();
                socket.write(said.get());
                output.taken(said.get().length);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a client of a console has gone", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            node.close();
            socket.close(WebSocket.Close.NORMAL, "the console has ended");
        }
    }

    /** Ends it, from any thread, whatever its own threads wait for. */
    void end(WebSocket.Close why, String reason) {
        ended = true;
        socket.close(why, reason);
        console.ifPresent(NodeConsole::close);
    }
}
