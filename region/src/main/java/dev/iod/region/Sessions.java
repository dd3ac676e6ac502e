package dev.iod.region;

import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleOutput;
import dev.iod.node.Disk;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.ImagePart;
import dev.iod.node.NodeListener;
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
    private final Notifications.Subscription goalsChanged;
    private final Notifications.Subscription admissionsChanged;

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
        this.goalsChanged = database.notifications().subscribe(NodeGoals.CHANNEL, this::changed);
        this.admissionsChanged =
                database.notifications().subscribe(Nodes.ADMISSION_CHANNEL, this::admission);
    }

    /** The upward side of a new stream of the node whose certificate was shown. */
    StreamObserver<NodeMessage> open(
            NodeListener.Caller caller, StreamObserver<RegionMessage> down) {
        String node = caller.node();
        ServerCallStreamObserver<RegionMessage> stream =
                (ServerCallStreamObserver<RegionMessage>) down;
        Session session =
                new Session(
                        caller,
                        stream,
                        () -> goal(node),
                        () -> database.read(handle -> NodeGoals.revision(handle, node)));
        stream.setOnReadyHandler(session::wake);
        stream.setOnCancelHandler(() -> ended(session));
        return new Upward(session);
    }

    /** The upward side of a console that a node carries. */
    StreamObserver<ConsoleOutput> console(
            NodeListener.Caller caller, ServerCallStreamObserver<ConsoleInput> down) {
        return nodes.consoles().open(caller, down);
    }

    @Override
    public void close() {
        goalsChanged.close();
        admissionsChanged.close();
        nodes.all()
                .forEach(
                        session ->
                                session.end(
                                        Status.UNAVAILABLE.withDescription(
                                                "the region is stopping")));
    }

    /**
     * Whether the region knows the caller with this certificate. That of a node which was removed,
     * or which has joined anew, is worth nothing, however long it is valid.
     */
    boolean admits(NodeListener.Caller caller) {
        return database.read(handle -> Nodes.admits(handle, caller.node(), caller.certificate()));
    }

    /** What a caller is told whom {@link #admits} refuses. */
    static Status notAdmitted(String node) {
        return Status.PERMISSION_DENIED.withDescription(
                "this region has removed the node %s or given it a newer certificate; to join again it needs a new token"
                        .formatted(node));
    }

    /** Whether the node's goal names the image as a part; only then it may fetch it. */
    boolean needs(String node, String imageId) {
        Goal goal = goal(node);
        Stream<ImagePart> kernels =
                goal.getServersList().stream()
                        .flatMap(
                                server ->
                                        Stream.of(
                                                server.getKernel().getKernel(),
                                                server.getKernel().getInitrd()));
        Stream<Disk> disks =
                Stream.concat(
                        goal.getServersList().stream().flatMap(s -> s.getDisksList().stream()),
                        goal.getVolumesList().stream());
        return Stream.concat(kernels, disks.map(Disk::getImage))
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

    private void admission(String node) {
        List<Session> concerned =
                node.isEmpty() ? List.copyOf(nodes.all()) : nodes.find(node).stream().toList();
        concerned.forEach(this::endUnlessAdmitted);
    }

    private void endUnlessAdmitted(Session session) {
        if (!admits(session.caller())) {
            nodes.remove(session);
            LOG.log(System.Logger.Level.WARNING, "node is not admitted node=" + session.node());
            session.end(notAdmitted(session.node()));
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
                    database.locked(
                            handle ->
                                    Nodes.describe(
                                            handle,
                                            session.caller().certificate(),
                                            hello,
                                            clock.instant()));
            if (!known) {
                session.end(notAdmitted(session.node()));
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
            // It may have been removed before its session could be found.
            endUnlessAdmitted(session);
            settled();
        }

        private void settled() {
            try {
                observers.forEach(observer -> observer.nodesSettled(database));
            } catch (RuntimeException e) {
                // The watch, or the next node, repeats it.
                LOG.log(System.Logger.Level.ERROR, "what waited for nodes", e);
            }
        }

        private void observed(Observed observed) {
            if (observed.getDiskMib() < 0) {
                refuse("capacity must not be negative");
                return;
            }
            try {
                boolean known =
                        database.locked(
                                handle ->
                                        Nodes.heard(
                                                handle,
                                                session.node(),
                                                session.caller().certificate(),
                                                observed,
                                                clock.instant()));
                if (!known) {
                    endUnlessAdmitted(session);
                    return;
                }
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
