package dev.iod.region;

import dev.iod.node.ConsoleKind;
import dev.iod.node.ConsoleReply;
import dev.iod.node.ConsoleRequest;
import dev.iod.node.Goal;
import dev.iod.node.NodeListener;
import dev.iod.node.RegionMessage;
import dev.iod.node.UseConsole;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * One node's open stream, downwards: a thread of its own sends the newest goal whenever it was
 * woken and the stream can take more. Several wake-ups make one goal, so nothing queues.
 */
final class Session {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    /** A lost wake-up costs at most this. */
    private static final int LOOK_SECONDS = 10;

    private static final int MAX_CONSOLE_REQUESTS = 64;

    private final NodeListener.Caller caller;
    private final ServerCallStreamObserver<RegionMessage> stream;
    private final Supplier<Goal> goals;
    private final Supplier<Long> revisions;
    private final Semaphore wakeups = new Semaphore(0);
    private final Object sending = new Object();
    private final Map<Long, CompletableFuture<ConsoleReply>> consoles = new ConcurrentHashMap<>();
    private final AtomicLong nextRequest = new AtomicLong();
    private volatile boolean ended;
    private boolean closed;

    /**
     * @param goals composes the goal with its revision
     * @param revisions reads the revision only
     */
    Session(
            NodeListener.Caller caller,
            ServerCallStreamObserver<RegionMessage> stream,
            Supplier<Goal> goals,
            Supplier<Long> revisions) {
        this.caller = caller;
        this.stream = stream;
        this.goals = goals;
        this.revisions = revisions;
    }

    String node() {
        return caller.node();
    }

    NodeListener.Caller caller() {
        return caller;
    }

    void start() {
        Thread.ofVirtual().name("node-goal-" + node()).start(this::run);
    }

    /** Says that the goal may have changed, or that the stream can take more. */
    void wake() {
        wakeups.release();
    }

    /** Asks for a console; the future fails when the session ends. */
    Optional<CompletableFuture<ConsoleReply>> console(String serverId, int maxBytes) {
        if (ended || consoles.size() >= MAX_CONSOLE_REQUESTS) {
            return Optional.empty();
        }
        long id = nextRequest.incrementAndGet();
        CompletableFuture<ConsoleReply> reply = new CompletableFuture<>();
        consoles.put(id, reply);
        reply.whenComplete((ignored, error) -> consoles.remove(id));
        send(
                RegionMessage.newBuilder()
                        .setConsole(
                                ConsoleRequest.newBuilder()
                                        .setRequestId(id)
                                        .setServerId(serverId)
                                        .setMaxBytes(maxBytes))
                        .build());
        if (ended) {
            // It ended after the check above, and may have missed this request.
            reply.cancel(false);
        }
        return Optional.of(reply);
    }

    /** Asks for a call that carries a console. */
    void useConsole(String id, String server, ConsoleKind kind) {
        send(
                RegionMessage.newBuilder()
                        .setUseConsole(
                                UseConsole.newBuilder()
                                        .setUseId(id)
                                        .setServerId(server)
                                        .setKind(kind))
                        .build());
    }

    void answered(ConsoleReply reply) {
        CompletableFuture<ConsoleReply> waiting = consoles.get(reply.getRequestId());
        if (waiting != null) {
            waiting.complete(reply);
        }
    }

    /** Ends the stream with an error. */
    void end(Status reason) {
        stop();
        synchronized (sending) {
            if (!closed && !stream.isCancelled()) {
                closed = true;
                stream.onError(reason.asRuntimeException());
            }
        }
    }

    /** The node is gone or has said good-bye. */
    void stop() {
        ended = true;
        consoles.values().forEach(reply -> reply.cancel(false));
        wake();
    }

    private void run() {
        OptionalLong sent = OptionalLong.empty();
        try {
            while (!ended) {
                if (stream.isReady() && changed(sent)) {
                    Goal goal = goals.get();
                    send(RegionMessage.newBuilder().setGoal(goal).build());
                    sent = OptionalLong.of(goal.getRevision());
                }
                if (wakeups.tryAcquire(LOOK_SECONDS, TimeUnit.SECONDS)) {
                    wakeups.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            end(Status.UNAVAILABLE.withDescription("the region is stopping"));
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "session ended node=" + node(), e);
            end(Status.UNAVAILABLE.withDescription("the region could not compose the goal"));
        }
    }

    private boolean changed(OptionalLong sent) {
        return sent.isEmpty() || revisions.get() != sent.getAsLong();
    }

    private void send(RegionMessage message) {
        synchronized (sending) {
            if (!ended && !stream.isCancelled()) {
                stream.onNext(message);
            }
        }
    }
}
