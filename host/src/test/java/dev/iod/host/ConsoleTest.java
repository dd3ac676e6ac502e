package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The consoles of the real QEMU, used through a real daemon. */
@Timeout(180)
final class ConsoleTest {
    @TempDir Path directory;
    private TestDaemon daemon;

    @BeforeAll
    static void buildImage() throws IOException, InterruptedException {
        Image.build();
    }

    @BeforeEach
    void start() throws IOException {
        daemon = new TestDaemon(directory, "start-millis=8000");
    }

    @AfterEach
    void stop() throws IOException, InterruptedException {
        daemon.close();
    }

    @ParameterizedTest
    @EnumSource
    void theSerialConsoleIsTypedIntoByOneAfterTheOtherAndTheLogGoesOn(MachineModel model)
            throws IOException {
        daemon.client().start(Image.machine("vm", model));
        daemon.awaitConsole("vm", "login: ");

        try (SocketChannel serial = daemon.client().use("vm", ConsoleKind.SERIAL)) {
            write(serial, "first\r");
            assertThat(readUntil(serial, "Password: ")).contains("first");
            daemon.awaitConsole("vm", "first\r\nPassword: ");
            write(serial, "\r");
            readUntil(serial, "login: ");
        }
        String heard;
        // Whoever comes next takes it, also from one who is still there.
        try (SocketChannel left = daemon.client().use("vm", ConsoleKind.SERIAL);
                SocketChannel serial = daemon.client().use("vm", ConsoleKind.SERIAL)) {
            assertThat(readAll(left)).isEmpty();
            write(serial, "second\r");
            heard = readUntil(serial, "Password: ");
            daemon.client().stop("vm", 60_000);
            heard += readAll(serial);
            assertThat(heard).contains("iod-micro: stopping").contains("Power down");
        }
        daemon.awaitState("vm", MachineState.STOPPED);
        assertThat(daemon.console("vm")).endsWith(heard);
        assertThat(daemon.console("vm"))
                .contains("first\r\nPassword: ", "second\r\nPassword: ")
                .contains("iod-micro: stopping", "Power down");
        assertThatThrownBy(() -> daemon.client().use("vm", ConsoleKind.SERIAL))
                .hasMessageContaining("does not run");
    }

    @Test
    void aDaemonThatIsKilledEndsTheUseAndTheLogGoesOn() throws Exception {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        daemon.awaitConsole("vm", "login: ");
        try (SocketChannel serial = daemon.client().use("vm", ConsoleKind.SERIAL)) {
            write(serial, "before\r");
            readUntil(serial, "Password: ");
            daemon.kill();
            assertThat(readAll(serial)).isEmpty();
        }
        daemon.restart();
        daemon.awaitState("vm", MachineState.RUNNING);
        daemon.client().stop("vm", 60_000);
        daemon.awaitState("vm", MachineState.STOPPED);
        assertThat(daemon.console("vm")).contains("before", "iod-micro: stopping");
    }

    @Test
    void theDisplayShowsThePictureToSeveral() throws IOException {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        daemon.awaitState("vm", MachineState.RUNNING);
        List<SocketChannel> users = new ArrayList<>();
        try {
            for (int i = 0; i < Machine.MAX_DISPLAYS; i++) {
                SocketChannel user = daemon.client().use("vm", ConsoleKind.VNC);
                users.add(user);
                // RFC 6143 §7.1.1
                assertThat(readUntil(user, "\n")).isEqualTo("RFB 003.008\n");
            }
            assertThatThrownBy(() -> daemon.client().use("vm", ConsoleKind.VNC))
                    .hasMessageContaining("has 4 users already");
            users.removeFirst().close();
            daemon.until(
                    "there is room again",
                    () -> {
                        try {
                            users.add(daemon.client().use("vm", ConsoleKind.VNC));
                            return true;
                        } catch (HostException e) {
                            return false;
                        }
                    });
            daemon.client().stop("vm", 0);
            assertThat(readAll(users.getLast())).isEqualTo("RFB 003.008\n");
        } finally {
            for (SocketChannel user : users) {
                user.close();
            }
        }
    }

    @Test
    void aMicrovmHasNoDisplay() {
        daemon.client().start(Image.machine("vm", MachineModel.MICROVM));
        daemon.awaitState("vm", MachineState.RUNNING);
        assertThatThrownBy(() -> daemon.client().use("vm", ConsoleKind.VNC))
                .hasMessageContaining("has no display");
        assertThatThrownBy(() -> daemon.client().use("other", ConsoleKind.SERIAL))
                .hasMessageContaining("no machine other");
    }

    /** Also when the guest has not read for a while, as one that is paused. */
    @Test
    void aPausedGuestKeepsNoUse() throws IOException {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        daemon.awaitConsole("vm", "login: ");
        daemon.client().pause("vm");
        try (SocketChannel serial = daemon.client().use("vm", ConsoleKind.SERIAL)) {
            ByteBuffer paste = ByteBuffer.allocate(2 << 20);
            assertThatThrownBy(
                            () -> {
                                while (paste.hasRemaining()) {
                                    serial.write(paste);
                                }
                            })
                    .isInstanceOf(IOException.class);
        }
        daemon.client().resume("vm");
        try (SocketChannel serial = daemon.client().use("vm", ConsoleKind.SERIAL)) {
            write(serial, "\r");
            readUntil(serial, "login: ");
        }
    }

    /** The VMM's user owns the directory of the sockets, and may put what it likes in there. */
    @Test
    @EnabledIf("root")
    void nobodyElsesSocketIsConnectedTo() throws IOException {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        daemon.awaitState("vm", MachineState.RUNNING);
        Path socket = daemon.guests().resolve("vm/vmm").resolve(QemuCommand.VNC_SOCKET);
        Files.delete(socket);
        Files.createSymbolicLink(socket, daemon.socket());
        assertThatThrownBy(() -> daemon.client().use("vm", ConsoleKind.VNC))
                .hasMessageContaining("is of root");
    }

    /** Only then is there another's socket. */
    static boolean root() {
        return VmmUser.of(TestDaemon.user()).root();
    }

    private static void write(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static String readUntil(SocketChannel channel, String end) throws IOException {
        StringBuilder text = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(1);
        while (text.indexOf(end) < 0) {
            if (channel.read(buffer.clear()) < 0) {
                throw new IOException("ended after: " + text);
            }
            text.append((char) buffer.get(0));
        }
        return text.toString();
    }

    private static String readAll(SocketChannel channel) {
        StringBuilder text = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        try {
            while (channel.read(buffer.clear()) >= 0) {
                text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
            }
        } catch (IOException e) {
            text.append(e);
        }
        return text.toString();
    }
}
