package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleOpened;
import dev.iod.node.ConsoleOutput;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * One call that carries a console. What virtDaemon says is read only when the region takes it, what
 * the region says is asked for piece by piece as virtDaemon takes it.
 */
final class ConsoleCall implements ClientResponseObserver<ConsoleOutput, ConsoleInput> {
    private static final Logger LOG = System.getLogger(ConsoleCall.class.getName());
    private static final int PIECE_BYTES = 16 * 1024;

    /** Pieces of input that were asked for and not written yet. */
    private static final int AHEAD = 2;

    private static final ByteString END = ByteString.EMPTY;

    private final Optional<ByteChannel> console;
    private final BlockingQueue<ByteString> input = new ArrayBlockingQueue<>(AHEAD + 1);
    private final Object lock = new Object();
    private volatile Optional<ClientCallStreamObserver<ConsoleOutput>> up = Optional.empty();
    private boolean ended;

    /**
     * @param console closed when the call ends; empty when it could not be opened
     */
    ConsoleCall(Optional<ByteChannel> console) {
        this.console = console;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ConsoleOutput> stream) {
        stream.disableAutoRequestWithInitial(AHEAD);
        stream.setOnReadyHandler(this::ready);
        up = Optional.of(stream);
    }

    /** Carries bytes until one side ends it. */
    void carry(String useId, String error) {
        ClientCallStreamObserver<ConsoleOutput> stream = up.orElseThrow();
        try {
            stream.onNext(
                    ConsoleOutput.newBuilder()
                            .setOpened(ConsoleOpened.newBuilder().setUseId(useId).setError(error))
                            .build());
            if (console.isPresent()) {
                Thread.ofVirtual().name("console-input").start(() -> type(console.get(), stream));
                say(console.get(), stream);
            }
            stream.onCompleted();
        } catch (IllegalStateException e) {
            // The call was ended under our hands, and its listener knows why.
            LOG.log(Level.DEBUG, "a console's call ended: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stream.cancel("the agent is stopping", e);
        } finally {
            end();
        }
    }

    private void say(ByteChannel from, ClientCallStreamObserver<ConsoleOutput> stream)
            throws InterruptedException {
        ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES);
        try {
            while (awaitReady(stream) && from.read(buffer.clear()) >= 0) {
                stream.onNext(
                        ConsoleOutput.newBuilder()
                                .setData(ByteString.copyFrom(buffer.flip()))
                                .build());
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
        }
    }

    private void type(ByteChannel to, ClientCallStreamObserver<ConsoleOutput> stream) {
        try {
            for (ByteString piece = input.take(); piece != END; piece = input.take()) {
                ByteBuffer bytes = piece.asReadOnlyByteBuffer();
                while (bytes.hasRemaining()) {
                    to.write(bytes);
                }
                stream.request(1);
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            end();
        }
    }

    private boolean awaitReady(ClientCallStreamObserver<ConsoleOutput> stream)
            throws InterruptedException {
        synchronized (lock) {
            while (!ended && !stream.isReady()) {
                lock.wait();
            }
            return !ended;
        }
    }

    private void ready() {
        synchronized (lock) {
            lock.notifyAll();
        }
    }

    @Override
    public void onNext(ConsoleInput message) {
        // At most AHEAD are asked for, so there is room; an empty piece would look like the end.
        if (message.getData().isEmpty()) {
            up.orElseThrow().request(1);
        } else {
            input.add(message.getData());
        }
    }

    @Override
    public void onError(Throwable error) {
        end();
    }

    @Override
    public void onCompleted() {
        end();
    }

    /** The region, or virtDaemon, has ended it. */
    private void end() {
        synchronized (lock) {
            if (ended) {
                return;
            }
            ended = true;
            lock.notifyAll();
        }
        input.clear();
        input.add(END);
        console.ifPresent(ConsoleCall::close);
    }

    private static void close(ByteChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a console", e);
        }
    }
}
