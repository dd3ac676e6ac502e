package dev.iod.region;

import dev.iod.node.ConsoleKind;
import dev.iod.node.ConsoleReply;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The nodes that have a session with this process, at most one each. Thread-safe. */
public final class ConnectedNodes implements NodeSessions, NodeConsoles {
    private static final int MAX_CONSOLE_BYTES = 1 << 20;

    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final ConsoleCalls consoles = new ConsoleCalls();
    private final Grace grace;

    /** None yet. */
    public ConnectedNodes(Grace grace) {
        this.grace = grace;
    }

    @Override
    public boolean settled() {
        return grace.over();
    }

    @Override
    public boolean connected(String node) {
        return sessions.containsKey(node);
    }

    @Override
    public byte[] console(String node, String serverId, int maxBytes) {
        if (maxBytes < 1 || maxBytes > MAX_CONSOLE_BYTES) {
            throw new IllegalArgumentException("maxBytes " + maxBytes + " is not 1 to 1 MiB");
        }
        CompletableFuture<ConsoleReply> reply =
                Optional.ofNullable(sessions.get(node))
                        .flatMap(session -> session.console(serverId, maxBytes))
                        .orElseThrow(ConnectedNodes::notConnected);
        try {
            ConsoleReply answer = reply.get(CONSOLE_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
            if (!answer.getError().isEmpty()) {
                throw ApiException.notFound(answer.getError());
            }
            return answer.getOutput().toByteArray();
        } catch (TimeoutException | ExecutionException | CancellationException e) {
            throw new ApiException(
                    Fault.CONFLICT,
                    "The server's node did not answer within %d s."
                            .formatted(CONSOLE_DEADLINE.toSeconds()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        } finally {
            reply.cancel(false);
        }
    }

    @Override
    public NodeConsole use(String node, String server, String project, ConsoleKind kind) {
        Session session = find(node).orElseThrow(ConnectedNodes::notConnected);
        return consoles.use(session, server, project, kind);
    }

    /** Which node it is, is not told to users. */
    private static ApiException notConnected() {
        return ApiException.conflict("The server's node is not connected.");
    }

    /** Consoles that nodes carry. */
    ConsoleCalls consoles() {
        return consoles;
    }

    Optional<Session> find(String node) {
        return Optional.ofNullable(sessions.get(node));
    }

    Collection<Session> all() {
        return sessions.values();
    }

    /** Takes a session in; the one that the node had before, if any. */
    Optional<Session> put(Session session) {
        return Optional.ofNullable(sessions.put(session.node(), session));
    }

    /** Forgets a session; false when the node has a newer one. */
    boolean remove(Session session) {
        boolean newest = sessions.remove(session.node(), session);
        if (newest) {
            consoles.end(session.node());
        }
        return newest;
    }
}
