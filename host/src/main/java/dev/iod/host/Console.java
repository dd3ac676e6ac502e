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
 * One use of a console: bytes between QEMU and a client. What QEMU says goes to an observer first.
 * Both ways {@link #QUEUE} pieces wait at most, and while they do so does what comes after them; a
 * use in which the next piece has waited for {@link #PATIENCE_SECONDS} is over.
 */
final class Console implements AutoCloseable {
    /** How long a piece may wait until there is room for it. */
    static final long PATIENCE_SECONDS = 10;

    /** Pieces of at most {@link #PIECE_BYTES} that wait for their taker: 128 KiB. */
    private static final int QUEUE = 8;

    private static final int PIECE_BYTES = 16 * 1024;
    private static final System.Logger LOG = System.getLogger(Console.class.getName());
    private static final byte[] END = new byte[0];

    private final SocketChannel qemu;
    private final Consumer<byte[]> observer;
    private final Consumer<Console> left;
    private final BlockingQueue<byte[]> output = new ArrayBlockingQueue<>(QUEUE);
    private final BlockingQueue<byte[]> input = new ArrayBlockingQueue<>(QUEUE);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch written = new CountDownLatch(1);
    private volatile Optional<SocketChannel> user = Optional.empty();
    private volatile boolean over;

    /**
     * Reads from now on.
     *
     * @param observer gets all that QEMU says, in order, from one thread
     * @param left told when the client has gone, perhaps more than once, to {@link #hangUp} when
     *     the observer has heard enough; may not block
     */
    Console(SocketChannel qemu, Consumer<byte[]> observer, Consumer<Console> left) {
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
        Thread.ofVirtual().name("console-client").start(() -> answer(client));
        Thread.ofVirtual().name("console-input").start(this::type);
        ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES);
        try (client) {
            while (!over && client.read(buffer.clear()) >= 0) {
                pass(buffer, input);
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
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
                observer.accept(Arrays.copyOf(buffer.array(), buffer.position()));
                if (!over) {
                    pass(buffer, output);
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

    /** Puts what was read into a queue, or ends the use. */
    private void pass(ByteBuffer read, BlockingQueue<byte[]> queue) throws InterruptedException {
        byte[] piece = Arrays.copyOf(read.array(), read.position());
        if (piece.length > 0 && !queue.offer(piece, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            LOG.log(Level.INFO, "a console is left: one side took nothing for too long");
            leave();
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

    private void answer(SocketChannel client) {
        try (client) {
            write(output, client);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "the client of a console has gone: {0}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            written.countDown();
        }
    }

    private void type() {
        try {
            write(input, qemu);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a console ended: {0}", e.getMessage());
            leave();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void write(BlockingQueue<byte[]> queue, SocketChannel to)
            throws IOException, InterruptedException {
        for (byte[] piece = queue.take(); piece != END; piece = queue.take()) {
            ByteBuffer bytes = ByteBuffer.wrap(piece);
            while (bytes.hasRemaining()) {
                to.write(bytes);
            }
        }
    }

    /** Ends the client's use, from any thread; what QEMU says goes to the observer only. */
    void leave() {
        over = true;
        end(output);
        end(input);
        user.ifPresent(Console::close);
        left.accept(this);
    }

    private static void end(BlockingQueue<byte[]> queue) {
        queue.clear();
        queue.offer(END);
    }

    /** Hears no more of QEMU; the client still gets what was said. */
    void hangUp() {
        close(qemu);
    }

    /** As {@link #leave}: the observer may still hear what QEMU says. */
    @Override
    public void close() {
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
