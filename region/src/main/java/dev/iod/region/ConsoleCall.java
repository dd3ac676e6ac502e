package dev.iod.region;

import com.google.protobuf.ByteString;
import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleOpened;
import dev.iod.node.ConsoleOutput;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A node's call of {@code Console}. It is asked for one message after the other, as they are read,
 * and sent no more than it takes; the bytes in between are those of gRPC's windows.
 */
final class ConsoleCall implements NodeConsole, StreamObserver<ConsoleOutput> {
    /** Messages that were asked for and not read yet. */
    private static final int AHEAD = 4;

    private static final byte[] END = new byte[0];

    private final ServerCallStreamObserver<ConsoleInput> down;
    private final BiConsumer<ConsoleCall, ConsoleOpened> opened;
    private final Consumer<ConsoleCall> gone;
    private final BlockingQueue<byte[]> output = new ArrayBlockingQueue<>(AHEAD + 1);
    private final Object lock = new Object();
    private boolean begun;
    private boolean ended;

    /**
     * @param opened told of the call's first message; may refuse it
     * @param gone told once when the call has ended
     */
    ConsoleCall(
            ServerCallStreamObserver<ConsoleInput> down,
            BiConsumer<ConsoleCall, ConsoleOpened> opened,
            Consumer<ConsoleCall> gone) {
        this.down = down;
        this.opened = opened;
        this.gone = gone;
        down.disableAutoRequest();
        down.setOnReadyHandler(this::ready);
        down.setOnCancelHandler(() -> end(call -> {}));
        down.request(AHEAD);
    }

    @Override
    public void onNext(ConsoleOutput message) {
        if (!begun) {
            begun = true;
            opened.accept(this, message.getOpened());
            down.request(1);
            return;
        }
        synchronized (lock) {
            if (ended) {
                return;
            }
        }
        ByteString data = message.getData();
        if (message.getOutputCase() != ConsoleOutput.OutputCase.DATA
                || data.size() > NodeConsoles.MAX_PIECE_BYTES) {
            refuse(Status.INVALID_ARGUMENT.withDescription("expected at most 64 KiB of data"));
        } else if (data.isEmpty()) {
            down.request(1);
        } else if (!output.offer(data.toByteArray())) {
            throw new IllegalStateException("a message that was not asked for");
        }
    }

    @Override
    public void onError(Throwable error) {
        end(call -> {});
    }

    @Override
    public void onCompleted() {
        close();
    }

    @Override
    public Optional<byte[]> read() throws InterruptedException {
        byte[] piece = output.take();
        if (piece == END) {
            output.add(END); // For whoever asks again.
            return Optional.empty();
        }
        down.request(1);
        return Optional.of(piece);
    }

    @Override
    public boolean write(byte[] input) throws InterruptedException {
        synchronized (lock) {
            while (!ended && !down.isReady()) {
                lock.wait();
            }
            if (ended) {
                return false;
            }
            down.onNext(ConsoleInput.newBuilder().setData(ByteString.copyFrom(input)).build());
            return true;
        }
    }

    @Override
    public void close() {
        end(ServerCallStreamObserver::onCompleted);
    }

    /** Ends the call with an error. */
    void refuse(Status reason) {
        end(call -> call.onError(reason.asRuntimeException()));
    }

    private void ready() {
        synchronized (lock) {
            lock.notifyAll();
        }
    }

    /** Ends it once; whoever writes is told so. */
    private void end(Consumer<ServerCallStreamObserver<ConsoleInput>> goodbye) {
        synchronized (lock) {
            if (ended) {
                return;
            }
            ended = true;
            if (!down.isCancelled()) {
                goodbye.accept(down);
            }
            lock.notifyAll();
        }
        // What was said before the end is read first. There is room: at most AHEAD are asked for.
        output.add(END);
        gone.accept(this);
    }
}
