package dev.iod.region;

import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.NodeMessage;
import dev.iod.node.Observed;
import dev.iod.node.RegionMessage;
import dev.iod.store.Database;
import dev.iod.store.Notifications;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

/** Serves the sessions of all nodes that are connected to this process. */
public final class Sessions implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Sessions.class.getName());

    private final Database database;
    private final ConnectedNodes nodes;
    private final List<GoalPart> goals;
    private final List<NodeObserver> observers;
    private final Clock clock;
    private final Notifications.Subscription subscription;

    /**
     * Starts to listen for changed goals.
     *
     * @param services those whose parts the nodes' goals have, and who are told what nodes report
     */
    public Sessions(Database database, ConnectedNodes nodes, List<Service> services, Clock clock) {
        this.database = database;
        this.nodes = nodes;
        this.goals = services.stream().flatMap(one -> one.goalParts().stream()).toList();
        this.observers = services.stream().flatMap(one -> one.observers().stream()).toList();
        this.clock = clock;
        this.subscription = database.notifications().subscribe(NodeGoals.CHANNEL, this::changed);
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
        nodes.all()
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
                                Stream.concat(
                                        Stream.of(
                                                server.getKernel().getKernel(),
                                                server.getKernel().getInitrd()),
                                        server.getDisksList().stream().map(Disk::getImage)))
                .anyMatch(part -> part.getImageId().equals(imageId));
    }

    private Goal goal(String node) {
        return database.read(
                handle -> {
                    Goal.Builder goal = Goal.newBuilder();
                    goals.forEach(part -> part.add(handle, node, goal));
                    return goal.setRevision(NodeGoals.revision(handle, node)).build();
                });
    }

    private void changed(String node) {
        if (node.isEmpty()) {
            nodes.all().forEach(Session::wake);
        } else {
            nodes.find(node).ifPresent(Session::wake);
        }
    }

    private void ended(Session session) {
        session.stop();
        if (nodes.remove(session)) {
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
            nodes.put(session)
                    .ifPresent(
                            older ->
                                    older.end(
                                            Status.ABORTED.withDescription(
                                                    "the node has opened a newer session")));
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
                observers.forEach(
                        observer -> observer.observed(database, session.node(), observed));
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
