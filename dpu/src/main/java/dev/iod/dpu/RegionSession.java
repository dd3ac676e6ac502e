package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.node.ConsoleReply;
import dev.iod.node.ConsoleRequest;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.NodeMessage;
import dev.iod.node.Observed;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionLink;
import dev.iod.node.RegionMessage;
import dev.iod.runtime.Backoff;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The node's conversation with the region. One thread dials, greets, and sends: the observation at
 * once when it changed and every ten seconds, and replies. Whatever arrives is queued for its
 * owner. When the conversation ends it starts another after a back-off; the node goes on meanwhile.
 */
final class RegionSession implements AutoCloseable {
    /** How long the region may hear nothing of an unchanged node. */
    static final Duration REPORT_EVERY = Duration.ofSeconds(10);

    /** A conversation shorter than this did not succeed: the back-off goes on growing. */
    private static final Duration SHORT = Duration.ofSeconds(5);

    /** A region that has refused this node goes on doing so until somebody acts. */
    static final Duration REFUSED_PAUSE = Duration.ofMinutes(5);

    private static final Logger LOG = System.getLogger(RegionSession.class.getName());
    private static final int REPLIES_LIMIT = 64;
    private static final int CONSOLES_LIMIT = 16;
    private static final int CONSOLE_BYTES_LIMIT = 512 * 1024;

    private final RegionLink link;
    private final Hello hello;
    private final Observations observations;
    private final Consumer<Goal> goals;
    private final Machines machines;
    private final AgentMetrics metrics;
    private final BlockingQueue<Item> outgoing = new ArrayBlockingQueue<>(REPLIES_LIMIT);
    private final BlockingQueue<ConsoleRequest> consoles = new ArrayBlockingQueue<>(CONSOLES_LIMIT);
    private final Consoles uses;
    private final Thread thread;
    private final Thread consoleThread;
    private final AtomicBoolean unsent = new AtomicBoolean();
    private volatile boolean closed;

    /** What makes the sending thread act. */
    private sealed interface Item {
        record Changed() implements Item {}

        record Reply(ConsoleReply reply) implements Item {}

        record Ended(Conversation of, End end) implements Item {}
    }

    /**
     * How a conversation ended.
     *
     * @param refused the region knows this node and does not want it, or does not know it
     */
    record End(String reason, boolean refused) {
        static End of(Status status) {
            return new End(text(status), status.getCode() == Status.Code.PERMISSION_DENIED);
        }
    }

    RegionSession(
            RegionLink link,
            Hello hello,
            Observations observations,
            Consumer<Goal> goals,
            Machines machines,
            AgentMetrics metrics) {
        this.link = link;
        this.hello = hello;
        this.observations = observations;
        this.goals = goals;
        this.machines = machines;
        this.metrics = metrics;
        this.uses = new Consoles(link.channel(), machines);
        this.thread = Thread.ofPlatform().daemon().name("session").unstarted(this::run);
        this.consoleThread = Thread.ofPlatform().daemon().name("console").unstarted(this::answer);
    }

    void start() {
        thread.start();
        consoleThread.start();
    }

    /** The observation changed. Any thread; never waits. */
    void changed() {
        if (!unsent.getAndSet(true) && !outgoing.offer(new Item.Changed())) {
            // The queue is full of replies: the periodic report will tell it.
            unsent.set(false);
        }
    }

    private void run() {
        Backoff backoff = Backoff.ofConnection();
        try {
            while (!closed) {
                long startNanos = System.nanoTime();
                End end = converse();
                if (closed) {
                    return;
                }
                if (System.nanoTime() - startNanos > SHORT.toNanos()) {
                    backoff.reset();
                }
                Duration pause = pause(end, backoff);
                if (end.refused()) {
                    LOG.log(
                            Level.ERROR,
                            "the region does not admit this node reason={0}; what runs here goes on"
                                    + " running; to join again stop the agent, remove node.crt, give"
                                    + " it a new token and start it; asking again in {1}",
                            end.reason(),
                            pause);
                } else {
                    LOG.log(
                            Level.WARNING,
                            "session ended reason={0} again-in={1}",
                            end.reason(),
                            pause);
                }
                Thread.sleep(pause);
                link.dialNow();
            }
        } catch (InterruptedException e) {
            // close() wants us to end.
        }
    }

    /** How long to wait before the next conversation. */
    static Duration pause(End end, Backoff backoff) {
        return end.refused() ? REFUSED_PAUSE : backoff.next();
    }

    /** One conversation, until it ends. @return why it ended */
    private End converse() throws InterruptedException {
        metrics.add(AgentMetrics.Count.SESSIONS);
        Conversation conversation = new Conversation();
        StreamObserver<NodeMessage> up = RegionGrpc.newStub(link.channel()).session(conversation);
        try {
            up.onNext(NodeMessage.newBuilder().setHello(hello).build());
            long reportAtNanos = System.nanoTime();
            while (!closed) {
                // Replies must not hold up the report: the region takes a silent node for lost.
                long leftNanos = reportAtNanos - System.nanoTime();
                if (leftNanos <= 0) {
                    observations.newest().ifPresent(o -> up.onNext(message(o)));
                    reportAtNanos = System.nanoTime() + REPORT_EVERY.toNanos();
                    continue;
                }
                Item item = outgoing.poll(leftNanos, TimeUnit.NANOSECONDS);
                if (item == null) {
                    continue;
                }
                switch (item) {
                    case Item.Changed changed -> {
                        unsent.set(false);
                        observations.newest().ifPresent(o -> up.onNext(message(o)));
                    }
                    case Item.Reply(ConsoleReply reply) ->
                            up.onNext(NodeMessage.newBuilder().setConsole(reply).build());
                    case Item.Ended(Conversation of, End end) -> {
                        if (of == conversation) {
                            return end;
                        }
                    }
                }
            }
            up.onCompleted();
            return new End("closed", false);
        } catch (InterruptedException e) {
            up.onCompleted();
            throw e;
        } catch (IllegalStateException e) {
            // The call was closed under our hands; its listener knows why.
            return new End("the stream was closed", false);
        }
    }

    private static NodeMessage message(Observed observed) {
        return NodeMessage.newBuilder().setObserved(observed).build();
    }

    /** Hears the region; called by gRPC, one message at a time. */
    private final class Conversation implements StreamObserver<RegionMessage> {
        @Override
        public void onNext(RegionMessage message) {
            switch (message.getMessageCase()) {
                case GOAL -> {
                    LOG.log(Level.INFO, "goal revision={0}", message.getGoal().getRevision());
                    metrics.add(AgentMetrics.Count.GOALS);
                    goals.accept(message.getGoal());
                }
                case CONSOLE -> ask(message.getConsole());
                case USE_CONSOLE -> uses.use(message.getUseConsole());
                case MESSAGE_NOT_SET ->
                        LOG.log(Level.WARNING, "the region said what this node does not know");
            }
        }

        @Override
        public void onError(Throwable error) {
            end(End.of(Status.fromThrowable(error)));
        }

        @Override
        public void onCompleted() {
            end(new End("the region ended it", false));
        }

        private void end(End how) {
            try {
                outgoing.put(new Item.Ended(this, how));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A status with what caused it, which gRPC keeps apart ("io exception"). */
    static String text(Status status) {
        StringBuilder text = new StringBuilder(status.getCode().toString());
        Optional.ofNullable(status.getDescription()).ifPresent(d -> text.append(": ").append(d));
        Optional.ofNullable(status.getCause()).ifPresent(c -> text.append(": ").append(c));
        return text.toString();
    }

    private void ask(ConsoleRequest request) {
        if (!consoles.offer(request)) {
            reply(request, "this node has too many console requests under way");
        }
    }

    private void answer() {
        try {
            while (!closed) {
                ConsoleRequest request = consoles.take();
                int most = Math.clamp(request.getMaxBytes(), 1, CONSOLE_BYTES_LIMIT);
                try {
                    byte[] output = machines.console(request.getServerId(), most);
                    put(
                            ConsoleReply.newBuilder()
                                    .setRequestId(request.getRequestId())
                                    .setOutput(ByteString.copyFrom(output))
                                    .build());
                } catch (RuntimeException e) {
                    reply(request, Optional.ofNullable(e.getMessage()).orElse(e.toString()));
                }
            }
        } catch (InterruptedException e) {
            // close() wants us to end.
        }
    }

    private void reply(ConsoleRequest request, String error) {
        put(ConsoleReply.newBuilder().setRequestId(request.getRequestId()).setError(error).build());
    }

    private void put(ConsoleReply reply) {
        if (!outgoing.offer(new Item.Reply(reply))) {
            LOG.log(Level.WARNING, "console reply dropped request={0}", reply.getRequestId());
        }
    }

    @Override
    public void close() {
        closed = true;
        Threads.stop(thread);
        Threads.stop(consoleThread);
    }
}
