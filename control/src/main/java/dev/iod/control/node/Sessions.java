package dev.iod.control.node;

import dev.iod.control.db.Database;
import dev.iod.control.db.Notifications;
import dev.iod.control.http.ApiException;
import dev.iod.control.http.Fault;
import dev.iod.node.ConsoleReply;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.NodeMessage;
import dev.iod.node.Observed;
import dev.iod.node.RegionMessage;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** The sessions of all nodes that are connected to this process, at most one each. */
public final class Sessions implements NodeSessions, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Sessions.class.getName());
    private static final int MAX_CONSOLE_BYTES = 1 << 20;

    private final Database database;
    private final GoalSource goals;
    private final ObservationSink observations;
    private final Clock clock;
    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final Notifications.Subscription subscription;

    /** Starts to listen for changed goals. */
    public Sessions(
            Database database, GoalSource goals, ObservationSink observations, Clock clock) {
        this.database = database;
        this.goals = goals;
        this.observations = observations;
        this.clock = clock;
        this.subscription = database.notifications().subscribe(NodeGoals.CHANNEL, this::changed);
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
                        .orElseThrow(
                                () ->
                                        ApiException.conflict(
                                                "The node %s of the server is not connected."
                                                        .formatted(node)));
        try {
            ConsoleReply answer = reply.get(CONSOLE_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
            if (!answer.getError().isEmpty()) {
                throw ApiException.notFound(answer.getError());
            }
            return answer.getOutput().toByteArray();
        } catch (TimeoutException | ExecutionException | CancellationException e) {
            throw new ApiException(
                    Fault.CONFLICT,
                    "The node %s of the server did not answer within %d s."
                            .formatted(node, CONSOLE_DEADLINE.toSeconds()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        } finally {
            reply.cancel(false);
        }
    }

    /** The upward side of a new stream of the node whose certificate was shown. */
    StreamObserver<NodeMessage> open(String node, StreamObserver<RegionMessage> down) {
        ServerCallStreamObserver<RegionMessage> stream =
                (ServerCallStreamObserver<RegionMessage>) down;
        Session session =
                new Session(
                        node,
                        stream,
                        () -> goal(node),
                        () -> database.read(handle -> NodeGoals.revision(handle, node)));
        stream.setOnReadyHandler(session::wake);
        stream.setOnCancelHandler(() -> ended(session));
        return new Upward(session);
    }

    @Override
    public void close() {
        subscription.close();
        sessions.values()
                .forEach(
                        session ->
                                session.end(
                                        Status.UNAVAILABLE.withDescription(
                                                "the region is stopping")));
    }

    /** Whether the node's goal names the image as a part; only then it may fetch it. */
    boolean needs(String node, String imageId) {
        return goal(node).getServersList().stream()
                .flatMap(
                        server ->
                                Stream.of(
                                        server.getKernel(),
                                        server.getInitrd(),
                                        server.getRootDisk().getImage()))
                .anyMatch(part -> part.getImageId().equals(imageId));
    }

    private Goal goal(String node) {
        return database.read(
                handle ->
                        goals.goal(handle, node).toBuilder()
                                .setRevision(NodeGoals.revision(handle, node))
                                .build());
    }

    private void changed(String node) {
        if (node.isEmpty()) {
            sessions.values().forEach(Session::wake);
        } else {
            Optional.ofNullable(sessions.get(node)).ifPresent(Session::wake);
        }
    }

    private void ended(Session session) {
        session.stop();
        if (sessions.remove(session.node(), session)) {
            LOG.log(System.Logger.Level.INFO, "node disconnected node=" + session.node());
        }
    }

    /** What comes up the stream; gRPC calls it from one thread at a time. */
    private final class Upward implements StreamObserver<NodeMessage> {
        private final Session session;
        private boolean greeted;

        Upward(Session session) {
            this.session = session;
        }

        @Override
        public void onNext(NodeMessage message) {
            if (!greeted && !message.hasHello()) {
                refuse("the first message must be Hello");
                return;
            }
            switch (message.getMessageCase()) {
                case HELLO -> hello(message.getHello());
                case OBSERVED -> observed(message.getObserved());
                case CONSOLE -> session.answered(message.getConsole());
                case MESSAGE_NOT_SET ->
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "a message this region does not know node=" + session.node());
            }
        }

        @Override
        public void onError(Throwable error) {
            ended(session);
        }

        @Override
        public void onCompleted() {
            ended(session);
            session.end(Status.UNAVAILABLE.withDescription("the node has closed the session"));
        }

        private void hello(Hello hello) {
            if (greeted || !hello.getNode().equals(session.node())) {
                refuse("Hello must come once and name the certificate's node");
                return;
            }
            if (hello.getVcpus() < 0 || hello.getMemoryMib() < 0) {
                refuse("capacity must not be negative");
                return;
            }
            boolean known =
                    database.transaction(handle -> Nodes.describe(handle, hello, clock.instant()));
            if (!known) {
                session.end(
                        Status.PERMISSION_DENIED.withDescription(
                                "this region does not know the node " + session.node()));
                return;
            }
            greeted = true;
            Session older = sessions.put(session.node(), session);
            if (older != null) {
                older.end(Status.ABORTED.withDescription("the node has opened a newer session"));
            }
            LOG.log(System.Logger.Level.INFO, "node connected node=" + session.node());
            session.start();
        }

        private void observed(Observed observed) {
            if (observed.getDiskMib() < 0) {
                refuse("capacity must not be negative");
                return;
            }
            try {
                database.run(
                        handle -> Nodes.heard(handle, session.node(), observed, clock.instant()));
                observations.observed(session.node(), observed);
            } catch (RuntimeException e) {
                // The next observation is complete again.
                LOG.log(
                        System.Logger.Level.ERROR,
                        "observation not taken node=" + session.node(),
                        e);
            }
        }

        private void refuse(String reason) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "session refused node=" + session.node() + " reason=" + reason);
            session.end(Status.INVALID_ARGUMENT.withDescription(reason));
        }
    }
}
