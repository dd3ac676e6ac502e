package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One use of a console: bytes between QEMU and a client. What QEMU says is read at once and goes to
 * an observer first, so that a client can hold up neither the guest nor the log; a client that
 * takes nothing for {@link #PATIENCE_SECONDS} is let go.
 */
final class Console implements AutoCloseable {
    /** How long a client may take nothing while {@link #QUEUE} pieces wait for it. */
    static final long PATIENCE_SECONDS = 10;

    /** Pieces of at most {@link #PIECE_BYTES} that wait for the client: 128 KiB. */
    private static final int QUEUE = 8;

    private static final int PIECE_BYTES = 16 * 1024;
    private static final System.Logger LOG = System.getLogger(Console.class.getName());
    private static final byte[] END = new byte[0];

    private final SocketChannel qemu;
    private final Consumer<byte[]> observer;
    private final Runnable left;
    private final BlockingQueue<byte[]> output = new ArrayBlockingQueue<>(QUEUE);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch written = new CountDownLatch(1);
    private volatile Optional<SocketChannel> user = Optional.empty();
    private volatile boolean over;

    /**
     * Reads from now on.
     *
     * @param observer gets all that QEMU says, in order, from one thread
     * @param left called when the client has gone; may not block
     */
    Console(SocketChannel qemu, Consumer<byte[]> observer, Runnable left) {
        this.qemu = qemu;
        this.observer = observer;
        this.left = left;
        Thread.ofVirtual().name("console-output").start(this::read);
    }

    /** Whether the client has gone, or is to go. */
    boolean over() {
        return over;
    }

    /** Carries bytes between QEMU and the client until one of them ends; closes the client. */
    void serve(SocketChannel client) {
        user = Optional.of(client);
        Thread.ofVirtual().name("console-client").start(() -> write(client));
        ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES);
        try (client) {
            while (!over && client.read(buffer.clear()) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    qemu.write(buffer);
                }
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
        } finally {
            leave();
        }
    }

    /** Whether QEMU has said its last word, and the observer has it. */
    boolean awaitEnd(long millis) {
        try {
            return ended.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void read() {
        ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES);
        try {
            while (qemu.read(buffer.clear()) >= 0) {
                byte[] piece = Arrays.copyOf(buffer.array(), buffer.position());
                observer.accept(piece);
                if (!over && !output.offer(piece, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    LOG.log(Level.INFO, "the client of a console took nothing for too long");
                    leave();
                }
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
            goodbye();
        }
    }

    /** Lets the client have what is left, as long as it takes it. */
    private void goodbye() {
        try {
            if (user.isPresent() && output.offer(END, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                written.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            leave();
        }
    }

    private void write(SocketChannel client) {
        try (client) {
            for (byte[] piece = output.take(); piece != END; piece = output.take()) {
                ByteBuffer bytes = ByteBuffer.wrap(piece);
                while (bytes.hasRemaining()) {
                    client.write(bytes);
                }
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "the client of a console has gone: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            written.countDown();
        }
    }

    /** Ends the client's use, from any thread; what QEMU says goes to the observer only. */
    void leave() {
        over = true;
        output.clear();
        output.offer(END);
        user.ifPresent(Console::close);
        left.run();
    }

    /** Ends everything. */
    @Override
    public void close() {
        close(qemu);
        leave();
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "closing a console", e);
        }
    }
}
