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
 * Uses of consoles, asked for and under way: at most {@link Traits#MAX_CONSOLES} of a node. The
 * node that was asked opens the call, with the id that only it was told. Thread-safe.
 */
final class ConsoleCalls {
    private static final int ID_BYTES = 16;

    private final SecureRandom random = new SecureRandom();
    private final Map<String, Use> uses = new HashMap<>();

    private record Use(String node, CompletableFuture<ConsoleCall> call) {
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
    NodeConsole use(Session session, String server, ConsoleKind kind) {
        byte[] bytes = new byte[ID_BYTES];
        random.nextBytes(bytes);
        String id = HexFormat.of().formatHex(bytes);
        Use use = new Use(session.node(), new CompletableFuture<>());
        synchronized (uses) {
            if (count(session.node()) >= Traits.MAX_CONSOLES) {
                throw new ApiException(
                        Fault.TOO_MANY_REQUESTS,
                        "The node %s has %d consoles in use already; close one and try again."
                                .formatted(session.node(), Traits.MAX_CONSOLES));
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
            throw e.getCause() instanceof ApiException refusal ? refusal : late(session, e);
        } catch (TimeoutException | CancellationException e) {
            throw late(session, e);
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
            use.get().call().completeExceptionally(ApiException.conflict(opened.getError()));
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

    private int count(String node) {
        return (int) uses.values().stream().filter(use -> use.node().equals(node)).count();
    }

    private static ApiException late(Session session, Exception cause) {
        return new ApiException(
                Fault.CONFLICT,
                "The node %s of the server did not open its console within %d s."
                        .formatted(session.node(), NodeConsoles.DEADLINE.toSeconds()),
                cause);
    }
}
