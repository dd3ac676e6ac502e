package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Consoles of a QEMU that answers late, and of one that takes nothing. */
@Timeout(60)
final class SlowQemuTest {
    @TempDir Path path;
    private GuestDirectory directory;
    private FakeQemu qemu;
    private Machine machine;

    @BeforeEach
    void start() throws IOException {
        directory = new GuestDirectory(path.resolve("vm"));
        VmmUser user = VmmUser.of(System.getProperty("user.name"));
        directory.create(user);
        qemu = new FakeQemu(directory);
        MachineSpec spec = Image.machine("vm", MachineModel.Q35);
        GuestProcess process = qemu.process();
        MachineStatus status =
                new MachineStatus("vm", MachineState.RUNNING, "", process.pid(), 0, List.of());
        Launcher launcher =
                new Launcher(new QemuCommand("qemu", Accelerator.TCG, OptionalLong.empty()), user);
        machine =
                new Machine(
                        new GuestDirectory.Saved(spec, status, process.startTicks(), false),
                        directory,
                        new MachineAgent.Dependencies(
                                launcher, new StartSlots(1), 8_000, changed -> {}));
        machine.run();
        awaitLog("up");
    }

    @AfterEach
    void stop() throws IOException {
        qemu.before(command -> {});
        machine.remove();
        qemu.close();
    }

    /** What the guest writes comes into the log (again); what a late look has taken is lost. */
    private void awaitLog(String text) {
        while (!log().contains(text)) {
            assertThat(Thread.interrupted()).as("waited too long for " + text).isFalse();
            qemu.writes(text);
            LockSupport.parkNanos(10_000_000);
        }
    }

    private String log() {
        try {
            return new String(machine.console(1 << 16), StandardCharsets.UTF_8);
        } catch (HostException e) {
            return ""; // Busy, as long as QEMU is.
        }
    }

    /** QEMU opens the socket after everybody gave up; then nobody would empty the ring. */
    @Test
    void aChangeOfTheConsoleThatComesLateIsTakenBack() throws InterruptedException {
        CountDownLatch released = new CountDownLatch(1);
        qemu.before(
                command -> {
                    if (command.equals("chardev-change")) {
                        await(released);
                    }
                });
        assertThatThrownBy(() -> machine.use(ConsoleKind.SERIAL))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.TIMEOUT));
        released.countDown();
        awaitLog("after");
        Console console = machine.use(ConsoleKind.SERIAL);
        assertThat(qemu.users.take().isOpen()).isTrue();
        console.close();
    }

    /** Whatever made the console a socket, the machine goes on. */
    @Test
    void aConsoleThatIsNoRingBecomesOneAgain() throws IOException {
        qemu.useSocket();
        awaitLog("after");
    }

    /** Many answers, each of which is in time. */
    @Test
    void aUseHasOneDeadlineForAllItsCommands() {
        qemu.commands.clear();
        qemu.before(
                command -> {
                    if (command.equals("ringbuf-read")) {
                        LockSupport.parkNanos(1_000_000_000);
                        qemu.writes("more");
                    }
                });
        assertThatThrownBy(() -> machine.use(ConsoleKind.SERIAL))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.TIMEOUT));
        qemu.before(command -> {});
        assertThat(qemu.commands).filteredOn("ringbuf-read"::equals).hasSizeLessThan(8);
    }

    /** A console that was opened all the same would have its port, and no user. */
    @Test
    void aUseThatItsAskerGaveUpIsNotBegun() {
        CountDownLatch released = new CountDownLatch(1);
        qemu.before(command -> await(released));
        List<FutureTask<MachineStatus>> others =
                Stream.generate(() -> new FutureTask<>(() -> machine.pause(true)))
                        .limit(4)
                        .toList();
        List<Thread> askers = others.stream().map(Thread.ofVirtual()::start).toList();
        for (Thread asker : askers) {
            // Then its command is before the use.
            while (asker.getState() != Thread.State.TIMED_WAITING) {
                assertThat(Thread.interrupted()).isFalse();
                LockSupport.parkNanos(1_000_000);
            }
        }
        assertThatThrownBy(() -> machine.use(ConsoleKind.SERIAL)).hasMessageContaining("is busy");
        released.countDown();
        awaitLog("after");
        machine.pause(false); // Has its turn after the use.
        assertThat(qemu.commands).doesNotContain("chardev-change");
    }

    /** A guest that does not read, such as one that is paused, and a client that has gone. */
    @Test
    void whatQemuDoesNotTakeEndsTheUse() throws IOException, InterruptedException {
        try (SocketPair client = new SocketPair(path.resolve("client"))) {
            FutureTask<Boolean> served = serve(client.far);
            SocketChannel guest = qemu.users.take();
            ByteBuffer paste = ByteBuffer.allocate(2 << 20);
            assertThatThrownBy(
                            () -> {
                                while (paste.hasRemaining()) {
                                    client.near.write(paste);
                                }
                            })
                    .isInstanceOf(IOException.class);
            assertThat(served).succeedsWithin(Duration.ofSeconds(60));
            awaitEndOf(guest);
        }
    }

    @Test
    void whatTheClientDoesNotTakeEndsTheUse() throws IOException, InterruptedException {
        try (SocketPair client = new SocketPair(path.resolve("client"))) {
            FutureTask<Boolean> served = serve(client.far);
            SocketChannel guest = qemu.users.take();
            ByteBuffer piece = ByteBuffer.allocate(16 << 10);
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    guest.write(piece.clear());
                                }
                            })
                    .isInstanceOf(IOException.class);
            assertThat(served).succeedsWithin(Duration.ofSeconds(60));
            guest.close();
        }
    }

    /** The panic of a guest is in the log, though its user takes nothing. */
    @Test
    void theLogHasTheLastWordsWhateverTheClientTakes() throws IOException, InterruptedException {
        try (SocketPair client = new SocketPair(path.resolve("client"))) {
            FutureTask<Boolean> served = serve(client.far);
            SocketChannel guest = qemu.users.take();
            guest.configureBlocking(false);
            int last = 0;
            ByteBuffer line = line(last);
            long moved = System.nanoTime();
            // Until all is full, QEMU's socket too.
            while (System.nanoTime() - moved < 1_000_000_000L) {
                if (guest.write(line) > 0) {
                    moved = System.nanoTime();
                }
                if (!line.hasRemaining()) {
                    line = line(++last);
                }
            }
            guest.close();
            qemu.close();
            assertThat(served).succeedsWithin(Duration.ofSeconds(60));
            while (machine.status().state().alive()) {
                assertThat(Thread.interrupted()).isFalse();
                LockSupport.parkNanos(10_000_000);
            }
            assertThat(log()).contains("line %06d".formatted(last - 1));
        }
    }

    private static ByteBuffer line(int number) {
        String text = "line %06d".formatted(number) + ".".repeat(1000);
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private FutureTask<Boolean> serve(SocketChannel client) {
        Console console = machine.use(ConsoleKind.SERIAL);
        FutureTask<Boolean> served =
                new FutureTask<>(
                        () -> {
                            try (console) {
                                console.serve(client);
                            }
                            return true;
                        });
        Thread.ofVirtual().start(served);
        return served;
    }

    /** The daemon's end is closed, whatever is still to be read from it. */
    private static void awaitEndOf(SocketChannel guest) throws IOException {
        ByteBuffer typed = ByteBuffer.allocate(1 << 16);
        while (guest.read(typed.clear()) >= 0) {}
        guest.close();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Two connected sockets. */
    private static final class SocketPair implements AutoCloseable {
        private final SocketChannel near;
        private final SocketChannel far;

        SocketPair(Path path) throws IOException {
            try (ServerSocketChannel listener =
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                listener.bind(UnixDomainSocketAddress.of(path));
                near = SocketChannel.open(UnixDomainSocketAddress.of(path));
                far = listener.accept();
            }
            Files.delete(path);
        }

        @Override
        public void close() throws IOException {
            near.close();
            far.close();
        }
    }
}
