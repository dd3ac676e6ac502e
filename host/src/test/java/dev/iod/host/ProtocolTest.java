package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients may do wrong, and what they get for it. */
final class ProtocolTest {
    @TempDir static Path directory;
    private static TestDaemon daemon;

    @BeforeAll
    static void start() throws IOException {
        daemon = new TestDaemon(directory);
    }

    @AfterAll
    static void stop() throws IOException, InterruptedException {
        daemon.close();
    }

    @Test
    void aWrongLineIsAnsweredAndTheNextOneServed() throws IOException {
        try (Wired client = new Wired()) {
            assertThat(client.ask("garbage")).contains("\"category\":\"invalid\"", "not JSON");
            assertThat(client.ask("[]")).contains("expected one JSON object per line");
            assertThat(client.ask("{} {}")).contains("nothing after it");
            assertThat(client.ask("{\"op\":\"list\"}")).contains("id: expected a whole number");
            assertThat(client.ask("{\"id\":1,\"id\":2,\"op\":\"list\"}")).contains("Duplicate");
            assertThat(client.ask("{\"id\":3}")).contains("\"id\":3", "op: expected text");
            assertThat(client.ask("{\"id\":4,\"op\":\"fly\"}")).contains("op: unknown fly");
            assertThat(client.ask("{\"id\":5,\"op\":\"start\",\"spec\":7}"))
                    .contains("spec: expected an object");
            assertThat(client.ask("{\"id\":6,\"op\":\"stop\",\"machine\":\"x\"}"))
                    .contains("\"category\":\"not_found\"");
            assertThat(client.ask("[".repeat(10_000))).contains("invalid");
            assertThat(client.ask("{\"id\":7,\"op\":\"list\"}")).contains("\"machines\":[]");
        }
    }

    @Test
    void randomBytesDoNoHarm() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] noise = new byte[100_000];
        random.nextBytes(noise);
        noise[noise.length - 1] = '\n';
        try (Wired client = new Wired()) {
            Thread reader = Thread.ofVirtual().start(client::drain);
            client.send(noise);
            client.end();
            reader.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertThat(daemon.client().list()).as("seed " + seed).isEmpty();
    }

    @Test
    void anEndlessLineDisconnects() throws IOException {
        try (Wired client = new Wired()) {
            byte[] chunk = new byte[64 * 1024];
            assertThatThrownBy(
                            () -> {
                                for (int sent = 0; sent <= 4 * Lines.MAX_BYTES; ) {
                                    client.send(chunk);
                                    sent += chunk.length;
                                }
                            })
                    .isInstanceOf(IOException.class);
        }
        assertThat(daemon.client().list()).isEmpty();
    }

    @Test
    void onlySoManyClientsAreServed() throws IOException {
        List<Wired> clients = new ArrayList<>();
        try {
            for (int i = 0; i < Server.MAX_SESSIONS; i++) {
                clients.add(new Wired());
            }
            // One of them is refused, because the test's own client is connected as well.
            long served = clients.stream().filter(Wired::answers).count();
            assertThat(served).isBetween(1L, (long) Server.MAX_SESSIONS - 1);
        } finally {
            for (Wired client : clients) {
                client.close();
            }
        }
        daemon.until("there is room again", ProtocolTest::somebodyIsServed);
    }

    @Test
    void unknownMachinesAreNotFoundAndRemovedAlready() {
        HostClient client = daemon.client();
        assertThatThrownBy(() -> client.stop("nobody", 0)).satisfies(ProtocolTest::notFound);
        assertThatThrownBy(() -> client.reset("nobody")).satisfies(ProtocolTest::notFound);
        assertThatThrownBy(() -> client.console("nobody", 1)).satisfies(ProtocolTest::notFound);
        client.remove("nobody");
    }

    @Test
    void aMachineWhoseFilesAreMissingFailsWithTheirNames() {
        MachineSpec spec =
                new MachineSpec(
                        "lost",
                        MachineModel.Q35,
                        1,
                        128,
                        new Boot.Kernel(
                                Path.of("/nonexistent/kernel"), Path.of("/nonexistent/initrd"), ""),
                        Devices.NONE);
        daemon.client().start(spec);
        assertThat(daemon.awaitState("lost", MachineState.FAILED).reason())
                .contains("/nonexistent/kernel");
        daemon.client().remove("lost");
    }

    @Test
    void onlyItsOwnerMayUseTheSocket() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(daemon.socket())))
                .isEqualTo("rw-------");
    }

    private static void notFound(Throwable failure) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.NOT_FOUND));
    }

    private static boolean somebodyIsServed() {
        try (Wired client = new Wired()) {
            return client.answers();
        } catch (IOException e) {
            return false;
        }
    }

    /** A client that can send anything. */
    private static final class Wired implements AutoCloseable {
        private final SocketChannel channel;
        private final Lines lines;

        Wired() throws IOException {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(daemon.socket()));
            lines = new Lines(channel, Lines.MAX_BYTES);
        }

        void send(byte[] bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        String ask(String line) throws IOException {
            send((line + "\n").getBytes(StandardCharsets.UTF_8));
            return new String(lines.next().orElseThrow(), StandardCharsets.UTF_8);
        }

        boolean answers() {
            try {
                send("{\"id\":1,\"op\":\"list\"}\n".getBytes(StandardCharsets.UTF_8));
                return lines.next().isPresent();
            } catch (IOException e) {
                return false;
            }
        }

        void end() throws IOException {
            channel.shutdownOutput();
        }

        void drain() {
            try {
                while (lines.next().isPresent()) {
                    // The answers do not matter.
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
