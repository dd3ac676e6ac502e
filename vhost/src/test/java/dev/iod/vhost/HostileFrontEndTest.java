package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.EventFd;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import dev.iod.vhost.VhostDeviceTest.Fixture;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Front ends that stall, repeat themselves or send descriptors of other things: the connection is
 * closed with a reason, the next one works, and another device notices nothing.
 */
@Timeout(300)
class HostileFrontEndTest {
    private static final int MEMORY_BYTES = 1 << 20;

    @TempDir Path directory;
    private Fixture fixture;
    private Fixture other;
    private int otherDone;

    @BeforeEach
    void start() {
        fixture = new Fixture(directory.resolve("s"), true, true);
        other = new Fixture(directory.resolve("o"), true, true);
        other.frontEnd.connect();
    }

    @AfterEach
    void stop() {
        fixture.close();
        other.close();
    }

    private void otherGoesOn() {
        other.send(otherDone % 16, 64);
        otherDone++;
        VhostDeviceTest.await("other", () -> other.frontEnd.ring(1).usedIndex() == otherDone);
    }

    private void expectRefusal(Fixture of, String reason) {
        of.frontEnd.awaitClosed();
        of.frontEnd.disconnect();
        VhostDeviceTest.await(reason, () -> of.device.status().lastFailure().contains(reason));
        otherGoesOn();
        of.frontEnd.connect();
        int before = of.frontEnd.ring(1).usedIndex();
        of.send(before % 16, 64);
        VhostDeviceTest.await("again", () -> of.frontEnd.ring(1).usedIndex() == before + 1);
    }

    @Test
    void halfAMessageIsNotWaitedForForEver() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        guest.sendRaw(new byte[] {2, 0, 0, 0, 1, 0});
        otherGoesOn();
        expectRefusal(fixture, "stopped after 6 bytes and did not go on for 1000 ms");
        guest.sendRaw(new byte[] {2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 7, 7});
        expectRefusal(fixture, "stopped after 14 bytes");
    }

    @Test
    void answersThatNobodyReadsAreNotWrittenForEver() {
        FrontEnd guest = fixture.frontEnd;
        guest.accept();
        try {
            for (int i = 0; i < 100_000; i++) {
                guest.send(FrontEnd.GET_FEATURES, 1, new byte[0]);
            }
        } catch (SysException e) {
            // Closed while this side was still sending.
        }
        expectRefusal(fixture, "took no answer for 1000 ms");
    }

    @Test
    void connectionsThatComeToNothingAreTriedEverMoreSlowly() {
        Path socket = directory.resolve("l");
        try (var loop = new FrontEnd(new FrontEnd.Options(socket, 2, 16, MEMORY_BYTES, true));
                var device =
                        VhostDevice.start(
                                new VhostDevice.Options(
                                        "loop",
                                        socket,
                                        VhostDevice.Role.DIAL,
                                        new DeviceType(0, 2, 1, 256),
                                        true),
                                new VhostDevice.Pauses(10, 80, 1000))) {
            loop.accept();
            loop.disconnect();
            long start = System.nanoTime();
            for (int i = 0; i < 6; i++) {
                loop.accept();
                loop.disconnect();
            }
            // 20, 40 and then 80 ms before each further one.
            assertThat(System.nanoTime() - start).isGreaterThan(380_000_000L);
            assertThat(device.status().connections()).isGreaterThanOrEqualTo(6);
            otherGoesOn();
        }
    }

    private static byte[] table(int count, long guest, long size, long user) {
        ByteBuffer table = ByteBuffer.allocate(8 + 32 * count).order(ByteOrder.LITTLE_ENDIAN);
        table.putInt(0, count);
        for (int i = 0; i < count; i++) {
            table.putLong(8 + 32 * i, guest + i * size);
            table.putLong(16 + 32 * i, size);
            table.putLong(24 + 32 * i, user + i * size);
            table.putLong(32 + 32 * i, i * size);
        }
        return table.array();
    }

    private static int[] repeat(int fd, int count) {
        int[] descriptors = new int[count];
        Arrays.fill(descriptors, fd);
        return descriptors;
    }

    @Test
    void memoryMayChangeWhileBuffersAreUnderWay() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        int done = 0;
        for (int round = 0; round < 60; round++) {
            for (int i = 0; i < 8; i++) {
                fixture.send(done % 16, 64 + i);
                done++;
            }
            int regions = 1 << round % 4;
            guest.request(
                    FrontEnd.SET_MEM_TABLE,
                    table(regions, FrontEnd.GUEST_BASE, MEMORY_BYTES / regions, FrontEnd.USER_BASE),
                    repeat(guest.memoryDescriptor(), regions));
            int expected = done;
            VhostDeviceTest.await("all", () -> guest.ring(1).usedIndex() == expected);
        }
        assertThat(fixture.lengths).hasSize(60 * 8);
        for (int i = 0; i < fixture.lengths.size(); i++) {
            assertThat(fixture.lengths.get(i)).isEqualTo(64 + i % 8);
        }
        otherGoesOn();
    }

    @Test
    void memoryTablesThatAreTooMuch() {
        FrontEnd guest = fixture.frontEnd;
        int memory = guest.memoryDescriptor();
        guest.connect();
        guest.send(FrontEnd.SET_MEM_TABLE, 1, table(9, 0, 4096, 0), repeat(memory, 9));
        expectRefusal(fixture, "payload of 296 bytes");
        byte[] huge = table(1, 0, 4096, 0);
        huge[3] = 0x7f;
        guest.send(FrontEnd.SET_MEM_TABLE, 1, huge, memory);
        expectRefusal(fixture, "with 1 descriptors");
        guest.send(FrontEnd.SET_MEM_TABLE, 1, table(1, 0, 4096, 0), repeat(memory, 32));
        expectRefusal(fixture, "with 32 descriptors");
        guest.send(FrontEnd.SET_MEM_TABLE, 1, table(2, 0, 0, 0), repeat(memory, 2));
        expectRefusal(fixture, "wraps around");
        int sparse = Linux.memfd("sparse", GuestMemory.MAX_BYTES);
        Linux.seal(sparse, Linux.F_SEAL_SHRINK);
        byte[] two = table(2, 0, GuestMemory.MAX_BYTES / 2, 0);
        guest.send(FrontEnd.SET_MEM_TABLE, 1, two, repeat(sparse, 2));
        expectRefusal(fixture, "maps more than");
        Linux.close(sparse);
    }

    @Test
    void descriptorsOfOtherThingsAreNoMemory() throws Exception {
        try (var loose = new Fixture(directory.resolve("x"), false, false)) {
            FrontEnd guest = loose.frontEnd;
            guest.connect();
            List<Integer> wrong = new ArrayList<>();
            EventFd event = EventFd.create();
            wrong.add(Linux.open(Path.of("/dev/zero"), Linux.O_RDWR));
            wrong.add(Linux.open(directory, Linux.O_RDONLY));
            wrong.add(Linux.open(Path.of("/proc/self/status"), Linux.O_RDONLY));
            Path file = Files.write(directory.resolve("file"), new byte[MEMORY_BYTES]);
            wrong.add(Linux.open(file, Linux.O_RDONLY));
            wrong.add(event.fd());
            for (int fd : wrong) {
                byte[] payload = table(1, FrontEnd.GUEST_BASE, MEMORY_BYTES, FrontEnd.USER_BASE);
                guest.send(FrontEnd.SET_MEM_TABLE, 1, payload, fd);
                expectRefusal(loose, "MEMORY: ");
                fixture.frontEnd.connect();
                fixture.frontEnd.send(FrontEnd.SET_MEM_TABLE, 1, payload, fd);
                expectRefusal(fixture, "not sealed");
                fixture.frontEnd.disconnect();
            }
            wrong.remove(wrong.size() - 1);
            wrong.forEach(Linux::close);
            event.close();
        }
    }

    @Test
    void memoryThatIsTruncatedInUseClosesTheDeviceOnly() {
        try (var loose = new Fixture(directory.resolve("t"), false, false)) {
            FrontEnd guest = loose.frontEnd;
            guest.connect();
            for (int i = 0; i < 10; i++) {
                int done = i + 1;
                loose.send(i, 64);
                VhostDeviceTest.await("completed", () -> guest.ring(1).usedIndex() == done);
            }
            guest.ring(1).describe(0, FrontEnd.GUEST_BASE + guest.buffers(), 4096, 0, 0);
            guest.ring(1).offer(0);
            // The rings stay, the buffers go: what a truncation in the middle of a copy looks like.
            Linux.truncate(guest.memoryDescriptor(), guest.buffers());
            guest.ring(1).publish();
            guest.ring(1).kick();
            guest.awaitClosed();
            VhostDeviceTest.await(
                    "reported", () -> loose.device.status().lastFailure().contains("FAULT"));
            Linux.truncate(guest.memoryDescriptor(), guest.memoryBytes());
            guest.disconnect();
        }
    }

    @Test
    void ringsThatAreTruncatedInUseCloseTheDeviceOnly() {
        try (var loose = new Fixture(directory.resolve("r"), false, false)) {
            FrontEnd guest = loose.frontEnd;
            for (int round = 0; round < 20; round++) {
                guest.ring(0).reset();
                guest.ring(1).reset();
                guest.connect();
                loose.send(0, 64);
                VhostDeviceTest.await("completed", () -> guest.ring(1).usedIndex() == 1);
                Linux.truncate(guest.memoryDescriptor(), 0);
                guest.ring(1).kickDescriptor().signal();
                guest.awaitClosed();
                guest.disconnect();
                VhostDeviceTest.await(
                        "reported", () -> !loose.device.status().lastFailure().isEmpty());
                Linux.truncate(guest.memoryDescriptor(), guest.memoryBytes());
            }
        }
    }
}
