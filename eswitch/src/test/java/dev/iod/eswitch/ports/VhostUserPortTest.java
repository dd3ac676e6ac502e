package dev.iod.eswitch.ports;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The port between a driver of the test's own and the engine's interface. */
@Timeout(60)
class VhostUserPortTest {
    private static final int MTU = 1442;

    /** What asking for the thread's allocated bytes allocates itself, at most. */
    private static final long MEASUREMENT_BYTES = 4096;

    @TempDir Path directory;
    private final Mapping slots =
            Mapping.anonymous((long) PacketBatch.CAPACITY * PacketBatch.STRIDE);
    private final PacketBatch batch = new PacketBatch(slots.address());
    private FrontEnd guest;
    private NetDriver driver;
    private VhostUserPort port;

    @BeforeEach
    void start() {
        open(true);
    }

    private void open(boolean sealed) {
        Path socket = directory.resolve(sealed ? "s" : "u");
        guest = new FrontEnd(new FrontEnd.Options(socket, 2, 256, 4 << 20, sealed));
        driver = new NetDriver(guest);
        port = new VhostUserPort("test", socket, MTU, sealed);
        connect();
    }

    /** The handshake waits for the engine to acknowledge, so the engine polls meanwhile. */
    private void connect() {
        Thread handshake = Thread.ofPlatform().start(guest::connect);
        await("rings live", () -> poll() >= 0 && port.up() && !handshake.isAlive());
    }

    private int poll() {
        batch.count = 0;
        return port.receive(batch);
    }

    private static void await(String what, BooleanSupplier condition) {
        long until = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(until);
            LockSupport.parkNanos(100_000);
        }
    }

    @AfterEach
    void stop() {
        port.close();
        guest.close();
        slots.close();
    }

    private static byte[] frame(Random random, int length) {
        byte[] frame = new byte[length];
        random.nextBytes(frame);
        return frame;
    }

    @Test
    void offersTheMtuAndNoOffloads() {
        assertThat(guest.features()).isEqualTo(1L << 32 | 1L << 30 | 1L << 3);
    }

    @Test
    void carriesFramesOfEveryLengthBothWays() {
        Random random = new Random(11);
        driver.fillReceiveRing();
        for (int length = 14; length <= MTU + 18; length += 7) {
            byte[] sent = frame(random, length);
            driver.send(List.of(sent));
            await("received", () -> poll() == 1);
            assertThat(batch.length[0]).isEqualTo(length);
            byte[] got = new byte[length];
            Memory.copyToArray(batch.address(0), got, 0, length);
            assertThat(got).isEqualTo(sent);
            assertThat(port.transmit(batch.address(0), length)).isTrue();
            assertThat(driver.receive()).as("not before flush").isEmpty();
            port.flush();
            assertThat(driver.receive()).containsExactly(sent);
        }
    }

    @Test
    void framesOfWrongLengthAreCountedAndTheOthersPass() {
        Random random = new Random(12);
        List<byte[]> frames = new ArrayList<>();
        for (int length : new int[] {13, 60, MTU + 19, 0, 1500, 70}) {
            frames.add(frame(random, length));
        }
        driver.send(frames);
        await("received", () -> poll() == 2);
        assertThat(batch.length[0]).isEqualTo(60);
        assertThat(batch.length[1]).isEqualTo(70);
        assertThat(port.drops(DropReason.FRAME_LENGTH)).isEqualTo(4);
        assertThat(driver.reapTransmitted()).isEqualTo(6);
    }

    @Test
    void aFullBatchLeavesTheRestForLater() {
        Random random = new Random(13);
        List<byte[]> frames = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            frames.add(frame(random, 64));
        }
        driver.send(frames);
        await("received", () -> poll() == PacketBatch.CAPACITY);
        assertThat(port.receive(batch)).as("no free slot").isZero();
        assertThat(poll()).isEqualTo(8);
    }

    @Test
    void withoutBuffersTransmitFails() {
        assertThat(port.transmit(batch.address(0), 64)).isFalse();
        driver.fillReceiveRing();
        for (int i = 0; i < 256; i++) {
            assertThat(port.transmit(batch.address(0), 64)).isTrue();
        }
        assertThat(port.transmit(batch.address(0), 64)).isFalse();
        port.flush();
        assertThat(driver.receive()).hasSize(256);
        assertThat(port.transmit(batch.address(0), MTU + 19)).as("too long").isFalse();
    }

    @Test
    void sleepsUntilTheGuestKicks() {
        port.disarmWakeup(); // The published rings rang.
        assertThat(port.armWakeup()).isTrue();
        assertThat(Linux.pollReadable(port.wakeDescriptors(), 0)).isZero();
        driver.send(List.of(frame(new Random(1), 64)));
        assertThat(Linux.pollReadable(port.wakeDescriptors(), 5_000)).isEqualTo(1);
        assertThat(port.armWakeup()).as("there is work").isFalse();
        port.disarmWakeup();
        assertThat(Linux.pollReadable(port.wakeDescriptors(), 0)).as("drained").isZero();
        assertThat(poll()).isEqualTo(1);
        assertThat(guest.ring(1).kick()).as("no kicks wanted while awake").isFalse();
    }

    @Test
    void interruptsOnlyWhoWantsToBeInterrupted() {
        driver.fillReceiveRing();
        guest.ring(0).callDescriptor().drain();
        guest.ring(0).availFlags(1);
        port.transmit(batch.address(0), 64);
        port.flush();
        assertThat(guest.ring(0).callDescriptor().drain()).isZero();
        guest.ring(0).availFlags(0);
        port.transmit(batch.address(0), 64);
        port.flush();
        assertThat(guest.ring(0).callDescriptor().drain()).isEqualTo(1);
    }

    @Test
    void survivesReconnects() {
        for (int round = 0; round < 3; round++) {
            driver.send(List.of(frame(new Random(round), 64)));
            await("received", () -> poll() == 1);
            guest.disconnect();
            await("noticed", () -> poll() >= 0 && !port.up());
            assertThat(port.transmit(batch.address(0), 64)).isFalse();
            connect();
        }
        assertThat(port.status().connections()).isEqualTo(4);
    }

    @Test
    void aHostileGuestLosesItsConnectionOnly() {
        guest.ring(1).describe(0, 0xdead_beefL, 64, 0, 0);
        guest.ring(1).offer(0);
        guest.ring(1).publish();
        await("closed", () -> poll() == 0 && port.status().lastFailure().contains("no memory"));
        assertThat(port.up()).isFalse();
        guest.disconnect();
        Memory.fill(guest.host(0), guest.buffers(), 0);
    }

    @Test
    void memoryTruncatedUnderThePortDoesNotEndTheProcess() {
        stopFirst();
        open(false);
        driver.fillReceiveRing();
        guest.ring(1).describe(0, FrontEnd.GUEST_BASE + guest.buffers() + (1 << 20), 1000, 0, 0);
        guest.ring(1).offer(0);
        Linux.truncate(guest.memoryDescriptor(), guest.buffers());
        assertThat(port.transmit(batch.address(0), 64)).isFalse();
        guest.ring(1).publish();
        await("closed", () -> poll() == 0 && port.status().lastFailure().contains("truncated"));
        Linux.truncate(guest.memoryDescriptor(), guest.memoryBytes());
    }

    private void stopFirst() {
        port.close();
        guest.close();
    }

    /** The fast path's promise: no allocation per packet. */
    @Test
    void allocatesNothingPerPacket() {
        driver.fillReceiveRing();
        DriverRing in = guest.ring(0);
        DriverRing out = guest.ring(1);
        for (int i = 0; i < 256; i++) {
            out.describe(
                    i, FrontEnd.GUEST_BASE + guest.buffers() + 256 * 2048 + i * 2048L, 76, 0, 0);
        }
        // Interpreted code allocates inside method handles; compiled code must not. How long the
        // compiler takes depends on the machine, so rounds are repeated until it is done.
        int packets = 320_000;
        long until = System.nanoTime() + 40_000_000_000L;
        long allocated = Long.MAX_VALUE;
        while (allocated > MEASUREMENT_BYTES && System.nanoTime() < until) {
            long before = allocatedBytes();
            long start = System.nanoTime();
            echo(in, out, packets);
            allocated = allocatedBytes() - before;
            System.out.printf(
                    "vhost port, both directions and the driver in one thread: %.1f ns per packet,"
                            + " %d bytes allocated for %d packets%n",
                    (double) (System.nanoTime() - start) / packets, allocated, packets);
        }
        assertThat(allocated).isLessThanOrEqualTo(MEASUREMENT_BYTES);
    }

    /** By reflection, because the module under test does not read jdk.management. */
    private static long allocatedBytes() {
        try {
            Object bean =
                    Class.forName("java.lang.management.ManagementFactory")
                            .getMethod("getThreadMXBean")
                            .invoke(null);
            return (long)
                    Class.forName("com.sun.management.ThreadMXBean")
                            .getMethod("getCurrentThreadAllocatedBytes")
                            .invoke(bean);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Driver and engine in turn: 32 frames out, the port sends them back. */
    private void echo(DriverRing in, DriverRing out, int packets) {
        for (int done = 0; done < packets; done += 32) {
            for (int i = 0; i < 32; i++) {
                out.offer(out.availIndex() & 255);
            }
            out.publish();
            poll();
            for (int i = 0; i < batch.count; i++) {
                port.transmit(batch.address(i), batch.length[i]);
            }
            port.flush();
            for (int left = in.completed(); left > 0; left--) {
                in.offer((int) in.take() & 0xffff);
            }
            in.publish();
        }
    }
}
