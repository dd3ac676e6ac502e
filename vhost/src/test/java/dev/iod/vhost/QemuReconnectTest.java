package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.SysException;
import dev.iod.sys.UnixSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Back ends that die while QEMU (7.2 and the like) makes its device, before the guest's first
 * instruction. No guest is needed: the processor is not started.
 */
@Timeout(120)
class QemuReconnectTest {
    private static final DeviceType TYPE = new DeviceType(0, 2, 1, 1024);
    private static final int HEADER_BYTES = 12;

    @TempDir Path directory;
    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    /**
     * Without the refusal of a second SET_OWNER, QEMU never answers the last connection.
     *
     * @param answered how many messages the first back end reads before it dies
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void aBackEndThatDiedInTheFirstHandshakeMayDieAgain(int answered) throws IOException {
        Path socket = directory.resolve("s");
        Process qemu = qemu(socket);
        await("QEMU listens", () -> Files.exists(socket) && dies(socket, answered));

        VhostDevice.Options options =
                new VhostDevice.Options("qemu", socket, VhostDevice.Role.DIAL, TYPE, true);
        try (VhostDevice device = VhostDevice.start(options)) {
            await("a second connection", () -> device.status().connections() >= 2);
            assertThat(device.status().lastFailure()).contains("a second SET_OWNER");
        }
        for (int i = 0; i < 5; i++) {
            await("QEMU talks to the next back end", () -> dies(socket, 1));
        }
        assertThat(qemu.isAlive()).isTrue();
    }

    private Process qemu(Path socket) throws IOException {
        Path log = directory.resolve("qemu.log");
        Process qemu =
                new ProcessBuilder(
                                "qemu-system-x86_64",
                                "-nodefaults",
                                "-no-user-config",
                                "-S",
                                "-display",
                                "none",
                                "-machine",
                                "q35,memory-backend=memory",
                                "-m",
                                "16M",
                                "-object",
                                "memory-backend-memfd,id=memory,share=on,seal=on,size=16M",
                                "-chardev",
                                "socket,id=link,path=" + socket + ",server=on,wait=off",
                                "-netdev",
                                "vhost-user,id=net,chardev=link",
                                "-device",
                                "virtio-net-pci,netdev=net,disable-legacy=on,romfile=,vectors=0")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        processes.add(qemu);
        return qemu;
    }

    /** A back end that goes away after some messages. @return false when nobody talked to it */
    private static boolean dies(Path socket, int messages) {
        // A QEMU that no longer accepts would keep this thread waiting for ever.
        CompletableFuture<Boolean> talked = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            try (UnixSocket peer = UnixSocket.connect(socket)) {
                                talked.complete(messages == 0 || reads(peer, messages));
                            } catch (SysException e) {
                                talked.complete(false);
                            }
                        });
        return talked.orTimeout(30, TimeUnit.SECONDS).join();
    }

    private static boolean reads(UnixSocket peer, int messages) {
        byte[] header = new byte[HEADER_BYTES];
        for (int i = 0; i < messages; i++) {
            if (peer.receive(header, 0, HEADER_BYTES, new ArrayList<>()) != HEADER_BYTES) {
                return false;
            }
            if (i + 1 < messages) {
                // The first two are questions for 64 bits of features.
                byte[] reply = new byte[HEADER_BYTES + 8];
                reply[0] = header[0];
                reply[4] = 5;
                reply[8] = 8;
                reply[HEADER_BYTES + 3] = 0x40;
                peer.send(reply, 0, reply.length);
            }
        }
        return true;
    }

    private static void await(String what, BooleanSupplier condition) {
        long until = System.nanoTime() + 30_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - until).as("not within 30 s: " + what).isNegative();
            LockSupport.parkNanos(5_000_000);
        }
    }
}
