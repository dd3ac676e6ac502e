package dev.iod.region;

import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleKind;
import dev.iod.node.ConsoleOpened;
import dev.iod.node.ConsoleOutput;
import dev.iod.node.NodeListener;
import dev.iod.node.Traits;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Uses of consoles, asked for and under way: at most {@link Traits#MAX_CONSOLES} of a node, {@link
 * #MAX_OF_PROJECT} of them of one project. The node that was asked opens the call, with the id that
 * only it was told. Thread-safe.
 */
final class ConsoleCalls {
    /** Of one node. */
    static final int MAX_OF_PROJECT = Traits.MAX_CONSOLES / 4;

    private static final System.Logger LOG = System.getLogger(ConsoleCalls.class.getName());
    private static final int ID_BYTES = 16;
    private static final int MAX_LOGGED = 200;

    private final SecureRandom random = new SecureRandom();
    private final Map<String, Use> uses = new HashMap<>();

    private record Use(String node, String project, CompletableFuture<ConsoleCall> call) {
        /** The call; empty while it is awaited, and when it never came. */
        Optional<ConsoleCall> made() {
            return call.state() == Future.State.SUCCESS
                    ? Optional.of(call.resultNow())
                    : Optional.empty();
        }
    }

    /**
     * Takes a console into use.
     *
     * @throws ApiException as {@link NodeConsoles#use}
     */
    NodeConsole use(Session session, String server, String project, ConsoleKind kind) {
        byte[] bytes = new byte[ID_BYTES];
        random.nextBytes(bytes);
        String id = HexFormat.of().formatHex(bytes);
        Use use = new Use(session.node(), project, new CompletableFuture<>());
        synchronized (uses) {
            List<Use> there =
                    uses.values().stream().filter(u -> u.node().equals(session.node())).toList();
            long own = there.stream().filter(u -> u.project().equals(project)).count();
            if (there.size() >= Traits.MAX_CONSOLES || own >= MAX_OF_PROJECT) {
                throw new ApiException(
                        Fault.TOO_MANY_REQUESTS,
                        ("The server's node has %d consoles in use, or %d of the project; close one and"
                                        + " try again.")
                                .formatted(Traits.MAX_CONSOLES, MAX_OF_PROJECT));
            }
            uses.put(id, use);
        }
        boolean there = false;
        try {
            session.useConsole(id, server, kind);
            ConsoleCall call =
                    use.call().get(NodeConsoles.DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
            there = true;
            return call;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof ApiException refusal ? refusal : late(e);
        } catch (TimeoutException | CancellationException e) {
            throw late(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        } finally {
            if (!there) {
                forget(id);
                // One that came at the last moment is nobody's.
                use.call().cancel(false);
                use.made().ifPresent(ConsoleCall::close);
            }
        }
    }

    /** The upward side of a new call. */
    StreamObserver<ConsoleOutput> open(
            NodeListener.Caller caller, ServerCallStreamObserver<ConsoleInput> down) {
        return new ConsoleCall(down, (call, opened) -> begin(caller, call, opened), this::ended);
    }

    /** Ends what is under way on a node that is lost. */
    void end(String node) {
        List<Use> lost;
        synchronized (uses) {
            lost = uses.values().stream().filter(use -> use.node().equals(node)).toList();
        }
        for (Use use : lost) {
            use.call().cancel(false);
            Status reason = Status.UNAVAILABLE.withDescription("the node's session has ended");
            use.made().ifPresent(call -> call.refuse(reason));
        }
    }

    private void begin(NodeListener.Caller caller, ConsoleCall call, ConsoleOpened opened) {
        Optional<Use> use;
        synchronized (uses) {
            use =
                    Optional.ofNullable(uses.get(opened.getUseId()))
                            .filter(asked -> asked.node().equals(caller.node()));
        }
        if (use.isPresent() && !opened.getError().isEmpty()) {
            use.get().call().completeExceptionally(refused(caller.node(), opened.getError()));
            call.close();
        } else if (use.isEmpty() || !use.get().call().complete(call)) {
            call.refuse(Status.NOT_FOUND.withDescription("nobody waits for this console"));
        }
    }

    private void ended(ConsoleCall call) {
        synchronized (uses) {
            uses.values().removeIf(use -> use.made().filter(call::equals).isPresent());
        }
    }

    private void forget(String id) {
        synchronized (uses) {
            uses.remove(id);
        }
    }

    /** What a node says of itself is for the region's log, and not for users. */
    private static ApiException refused(String node, String error) {
        String printable = error.replaceAll("[^ -~]", "?");
        LOG.log(
                System.Logger.Level.INFO,
                "console not opened node={0} reason={1}",
                node,
                printable.substring(0, Math.min(MAX_LOGGED, printable.length())));
        return ApiException.conflict(
                "The server's node did not open the console: the server may have stopped, or the"
                        + " console has as many users as it can.");
    }

    private static ApiException late(Exception cause) {
        return new ApiException(
                Fault.CONFLICT,
                "The server's node did not open the console within %d s."
                        .formatted(NodeConsoles.DEADLINE.toSeconds()),
                cause);
    }
}
