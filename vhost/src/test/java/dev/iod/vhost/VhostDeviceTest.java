package dev.iod.vhost;

import static dev.iod.vhost.testing.FrontEnd.GUEST_BASE;
import static dev.iod.vhost.testing.FrontEnd.USER_BASE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The back end against a front end that can also misbehave; the test's thread is the engine. */
@Timeout(300)
class VhostDeviceTest {
    private static final DeviceType TYPE = new DeviceType(0, 2, 1, 256);
    private static final int RING = 16;

    @TempDir Path directory;
    private Fixture fixture;

    @BeforeEach
    void start() {
        fixture = new Fixture(directory.resolve("s"), true, true);
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    /** A device, a front end, and an engine thread that echoes ring 1 to ring 0. */
    static final class Fixture implements AutoCloseable {
        final FrontEnd frontEnd;
        final VhostDevice device;
        final Mapping scratch = Mapping.anonymous(65536);
        final List<Integer> lengths = new ArrayList<>();
        private final Thread engine;
        private volatile boolean stop;
        private volatile boolean failed;

        Fixture(Path socket, boolean sealed, boolean requireSealed) {
            frontEnd = new FrontEnd(new FrontEnd.Options(socket, 2, RING, 1 << 20, sealed));
            device =
                    VhostDevice.start(
                            new VhostDevice.Options(
                                    "test", socket, VhostDevice.Role.DIAL, TYPE, requireSealed),
                            new VhostDevice.Pauses(2, 4, 1000));
            engine = Thread.ofPlatform().name("engine").start(this::run);
        }

        private void run() {
            while (!stop) {
                failed |= !device.guarded(Fixture::turn, this, device);
                device.drainWakeups();
            }
            device.close();
        }

        private void turn(VhostDevice rings) {
            rings.refresh();
            Vring from = device.ring(1);
            Vring to = device.ring(0);
            for (int left = from.available(); left > 0; left--) {
                int head = from.peek();
                int length = from.read(head, 0, scratch.address(), 65536);
                from.complete(head, 0);
                synchronized (lengths) {
                    lengths.add(length);
                }
                if (to.available() > 0) {
                    int target = to.peek();
                    int fits = Math.min(length, 65536 - 4);
                    int written = to.write(target, scratch.address(), 0, scratch.address(), fits);
                    if (written != Vring.TOO_SMALL) {
                        to.complete(target, written);
                    }
                }
            }
            if (from.publish() | to.publish()) {
                from.interrupt();
                to.interrupt();
            }
            device.settle();
            if (from.requestKicks()) {
                Linux.pollReadable(new int[] {device.wakeDescriptor()}, 20);
            }
            from.suppressKicks();
        }

        /** Offers one single-descriptor buffer of ring 1 holding a pattern. */
        void send(int index, int length) {
            DriverRing ring = frontEnd.ring(1);
            long offset = frontEnd.buffers() + index * 4096L;
            Memory.fill(frontEnd.host(offset), length, index + 1);
            ring.describe(index, GUEST_BASE + offset, length, 0, 0);
            ring.offer(index);
            ring.publish();
            ring.kick();
        }

        @Override
        public void close() {
            stop = true;
            try {
                engine.join();
                assertThat(device.awaitClosed(60_000)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            frontEnd.close();
            scratch.close();
        }
    }

    static void await(String what, BooleanSupplier condition) {
        long until = System.nanoTime() + 60_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(until);
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(200_000);
        }
    }

    @Test
    void movesBuffersBothWaysInOrder() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        for (int i = 0; i < 4; i++) {
            guest.ring(0)
                    .describe(
                            i,
                            GUEST_BASE + guest.buffers() + 65536 + i * 4096L,
                            4096,
                            DriverRing.WRITE,
                            0);
            guest.ring(0).offer(i);
        }
        guest.ring(0).publish();
        for (int i = 0; i < 4; i++) {
            fixture.send(i, 100 + i);
        }
        await("echo", () -> guest.ring(0).completed() == 4);
        for (int i = 0; i < 4; i++) {
            assertThat(guest.ring(1).take() & 0xffff).isEqualTo(i);
            long entry = guest.ring(0).take();
            assertThat(entry & 0xffff).isEqualTo(i);
            assertThat(entry >>> 32).isEqualTo(100 + i);
            assertThat(Memory.readByte(guest.host(guest.buffers() + 65536 + i * 4096L)))
                    .isEqualTo(i + 1);
        }
        await("interrupt", () -> guest.ring(0).callDescriptor().drain() > 0);
    }

    @Test
    void chainsAreGatheredAndScattered() {
        FrontEnd guest = fixture.frontEnd;
        DriverRing in = guest.ring(0);
        long base = guest.buffers();
        // Receive chain of pieces of 3, 0, 5 and 4096 bytes.
        in.describe(9, GUEST_BASE + base, 3, DriverRing.WRITE | DriverRing.NEXT, 2);
        in.describe(2, 0xdead_0000L, 0, DriverRing.WRITE | DriverRing.NEXT, 7);
        in.describe(7, GUEST_BASE + base + 100, 5, DriverRing.WRITE | DriverRing.NEXT, 1);
        in.describe(1, GUEST_BASE + base + 200, 4096, DriverRing.WRITE, 0);
        in.offer(9);
        in.publish();
        DriverRing out = guest.ring(1);
        for (int i = 0; i < 20; i++) {
            Memory.writeByte(guest.host(base + 8192 + i), i);
        }
        out.describe(4, GUEST_BASE + base + 8192, 12, DriverRing.NEXT, 5);
        out.describe(5, GUEST_BASE + base + 8192 + 12, 8, 0, 0);
        out.offer(4);
        out.publish();
        guest.connect();
        await("echo", () -> in.completed() == 1);
        assertThat(in.take()).isEqualTo(9 | 20L << 32);
        int[] where = {0, 1, 2, 100, 101, 102, 103, 104};
        for (int i = 0; i < 20; i++) {
            long at = base + (i < where.length ? where[i] : 200 + i - where.length);
            assertThat(Memory.readByte(guest.host(at))).as("byte %d", i).isEqualTo(i);
        }
    }

    @Test
    void availableBuffersAreProcessedWithoutAKickAndTheGuestIsInterrupted() {
        fixture.frontEnd.ring(1).describe(0, GUEST_BASE + fixture.frontEnd.buffers(), 64, 0, 0);
        fixture.frontEnd.ring(1).offer(0);
        fixture.frontEnd.ring(1).publish();
        fixture.frontEnd.connect();
        await("processed", () -> fixture.frontEnd.ring(1).completed() == 1);
        await("called", () -> fixture.frontEnd.ring(1).callDescriptor().drain() > 0);
        fixture.frontEnd.ring(1).callDescriptor().drain();
        // Again after every SET_VRING_CALL, even when nothing is pending.
        fixture.frontEnd.request(
                FrontEnd.SET_VRING_CALL,
                FrontEnd.number(1),
                fixture.frontEnd.ring(1).callDescriptor().fd());
        assertThat(fixture.frontEnd.ring(1).callDescriptor().drain()).isPositive();
    }

    @Test
    void ringsContinueAcrossReconnects() {
        FrontEnd guest = fixture.frontEnd;
        int sent = 0;
        for (int round = 0; round < 8; round++) {
            guest.connect();
            for (int i = 0; i < 11; i++) {
                int done = sent + 1;
                fixture.send(sent++ % RING, 40);
                if (i < 8) {
                    await("completed", () -> guest.ring(1).usedIndex() == done);
                }
            }
            // The last ones may or may not be done when the connection goes.
            guest.disconnect();
        }
        guest.connect();
        int all = sent;
        await("all completed", () -> guest.ring(1).usedIndex() == all);
        assertThat(guest.ring(1).completed()).isEqualTo(sent);
        synchronized (fixture.lengths) {
            assertThat(fixture.lengths).as("nothing lost or repeated").hasSize(sent);
        }
        assertThat(fixture.device.status().connections()).isEqualTo(9);
    }

    /**
     * The engine is in the middle of a batch when the front end says something of a running ring.
     */
    @Test
    void whatWasCompletedIsPublishedWhenRingsAreTakenAway() throws Exception {
        Path socket = directory.resolve("batch");
        VhostDevice.Options options =
                new VhostDevice.Options("batch", socket, VhostDevice.Role.DIAL, TYPE, true);
        try (FrontEnd guest = new FrontEnd(new FrontEnd.Options(socket, 2, RING, 1 << 20, true));
                VhostDevice device = VhostDevice.start(options)) {
            refreshUntil(device, CompletableFuture.runAsync(guest::connect));
            await("live", () -> refreshed(device).ring(0).live());
            for (int i = 0; i < 4; i++) {
                guest.ring(0).describe(i, GUEST_BASE + guest.buffers(), 4096, DriverRing.WRITE, 0);
                guest.ring(0).offer(i);
            }
            guest.ring(0).publish();
            Vring ring = device.ring(0);
            assertThat(ring.available()).isEqualTo(4);
            ring.complete(ring.peek(), 10);
            ring.complete(ring.peek(), 10);
            refreshUntil(
                    device,
                    CompletableFuture.runAsync(
                            () ->
                                    guest.request(
                                            FrontEnd.SET_VRING_CALL,
                                            FrontEnd.number(0),
                                            guest.ring(0).callDescriptor().fd())));
            await("live again", () -> refreshed(device).ring(0).live());
            assertThat(guest.ring(0).usedIndex()).isEqualTo(2);
            assertThat(device.ring(0).available()).isEqualTo(2);
            assertThat(device.ring(0).peek()).isEqualTo(2);
        }
    }

    private static VhostDevice refreshed(VhostDevice device) {
        device.refresh();
        return device;
    }

    private static void refreshUntil(VhostDevice device, CompletableFuture<Void> done) {
        await("the front end is answered", () -> refreshed(device) == device && done.isDone());
        done.join();
    }

    /** QEMU 7.2 after the driver has negotiated while the back end was away (see Session). */
    @Test
    void ringsStartWithoutVersion1() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        guest.request(FrontEnd.SET_FEATURES, FrontEnd.number(1L << 30));
        fixture.send(0, 64);
        await("works", () -> guest.ring(1).completed() == 1);
    }

    @Test
    void aStoppedRingReportsItsPositionAndGoesOn() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        fixture.send(0, 64);
        await("completed", () -> guest.ring(1).usedIndex() == 1);
        assertThat(guest.stopRing(1)).isEqualTo(1);
        fixture.send(1, 64);
        guest.sendMemoryTable();
        assertThat(guest.ring(1).usedIndex()).isEqualTo(1);
        guest.startRing(1);
        await("went on", () -> guest.ring(1).usedIndex() == 2);
    }

    @Test
    void aDisabledRingIsLeftAlone() {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        guest.request(FrontEnd.SET_VRING_ENABLE, FrontEnd.ringState(1, 0));
        fixture.send(0, 64);
        guest.request(FrontEnd.SET_STATUS, FrontEnd.number(15));
        assertThat(guest.ask(FrontEnd.GET_STATUS, new byte[0]).getLong(0)).isEqualTo(15);
        assertThat(guest.ring(1).usedIndex()).isZero();
        guest.request(FrontEnd.SET_VRING_ENABLE, FrontEnd.ringState(1, 1));
        await("enabled", () -> guest.ring(1).usedIndex() == 1);
    }

    /** What a hostile guest can write to its rings. */
    enum BadRing {
        INDEX_AHEAD(r -> r.publishIndex(RING + 1), "runs 17 ahead"),
        HEAD_OUTSIDE(r -> offer(r, RING), "head descriptor"),
        ADDRESS_OUTSIDE(r -> describe(r, 0x10, 64, 0), "are no memory"),
        ADDRESS_WRAPS(r -> describe(r, -8, 64, 0), "are no memory"),
        LENGTH_LEAVES_REGION(r -> describe(r, GUEST_BASE + (1 << 20) - 8, 64, 0), "are no memory"),
        HUGE_LENGTH(r -> describe(r, GUEST_BASE, -1, 0), "are no memory"),
        WRITABLE_WHERE_READABLE(r -> describe(r, GUEST_BASE, 64, DriverRing.WRITE), "has flags 2"),
        INDIRECT(r -> describe(r, GUEST_BASE, 64, DriverRing.INDIRECT), "has flags 4"),
        NEXT_OUTSIDE(
                r -> {
                    r.describe(0, GUEST_BASE, 64, DriverRing.NEXT, RING);
                    offer(r, 0);
                },
                "chained descriptor"),
        LOOP(
                r -> {
                    r.describe(0, GUEST_BASE, 64, DriverRing.NEXT, 1);
                    r.describe(1, GUEST_BASE, 64, DriverRing.NEXT, 0);
                    offer(r, 0);
                },
                "longer than the ring");

        private final Consumer<DriverRing> act;
        private final String reason;

        BadRing(Consumer<DriverRing> act, String reason) {
            this.act = act;
            this.reason = reason;
        }

        private static void offer(DriverRing ring, int head) {
            ring.offer(head);
            ring.publish();
        }

        private static void describe(DriverRing ring, long address, int length, int flags) {
            ring.describe(0, address, length, flags, 0);
            offer(ring, 0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRingViolationClosesTheDeviceAndTheNextConnectionWorks(BadRing bad) {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        bad.act.accept(guest.ring(1));
        guest.ring(1).kick();
        guest.awaitClosed();
        guest.disconnect();
        await("told by the engine", () -> fixture.failed);
        await("reported", () -> fixture.device.status().lastFailure().contains(bad.reason));
        // A driver that starts over: indexes at zero, rings empty.
        Memory.fill(guest.host(0), guest.buffers(), 0);
        guest.accept();
        guest.negotiate();
        await("second connection", () -> fixture.device.status().connections() == 2);
    }

    /** What a broken or hostile VMM can send; the first step is after a whole handshake. */
    enum BadMessage {
        UNKNOWN_REQUEST(f -> f.send(99, 1, new byte[0]), "unknown message 99"),
        WRONG_VERSION(f -> f.send(FrontEnd.GET_FEATURES, 2, new byte[0]), "flags 0x2"),
        REPLY_FLAG(f -> f.send(FrontEnd.GET_FEATURES, 5, new byte[0]), "flags 0x5"),
        SIZE(f -> f.send(FrontEnd.SET_FEATURES, 1, new byte[4]), "payload of 4 bytes"),
        HUGE_SIZE(
                f -> f.sendRaw(new byte[] {2, 0, 0, 0, 1, 0, 0, 0, -1, -1, -1, -1}),
                "payload of 4294967295 bytes"),
        FEATURES(f -> f.send(FrontEnd.SET_FEATURES, 1, FrontEnd.number(-1)), "were never offered"),
        PROTOCOL_FEATURES(
                f -> f.send(FrontEnd.SET_PROTOCOL_FEATURES, 1, FrontEnd.number(1 << 15)),
                "not offered"),
        RING_INDEX(
                f -> f.send(FrontEnd.SET_VRING_ENABLE, 1, FrontEnd.ringState(2, 1)), "ring 2 of"),
        NEGATIVE_RING(
                f -> f.send(FrontEnd.GET_VRING_BASE, 1, FrontEnd.ringState(-1, 1)), "ring -1 of"),
        RUNNING(
                f -> f.send(FrontEnd.SET_VRING_NUM, 1, FrontEnd.ringState(0, 8)),
                "which is running"),
        RING_SIZE(
                f -> {
                    f.stopRing(0);
                    f.send(FrontEnd.SET_VRING_NUM, 1, FrontEnd.ringState(0, 24));
                },
                "a ring of 24 entries"),
        POSITION(
                f -> {
                    f.stopRing(0);
                    f.send(FrontEnd.SET_VRING_BASE, 1, FrontEnd.ringState(0, 65536));
                },
                "position of 65536"),
        MISSING_DESCRIPTOR(
                f -> f.send(FrontEnd.SET_VRING_CALL, 1, FrontEnd.number(0)), "0 descriptors"),
        UNEXPECTED_DESCRIPTOR(
                f -> f.send(FrontEnd.SET_OWNER, 1, new byte[0], f.memoryDescriptor()),
                "unknown or"),
        CALL_IS_NO_EVENTFD(
                f -> f.send(FrontEnd.SET_VRING_CALL, 1, FrontEnd.number(0), f.memoryDescriptor()),
                "no eventfd"),
        KICK_IS_NO_EVENTFD(
                f -> f.send(FrontEnd.SET_VRING_KICK, 1, FrontEnd.number(0), f.memoryDescriptor()),
                "no eventfd"),
        SECOND_OWNER(f -> f.send(FrontEnd.SET_OWNER, 1, new byte[0]), "a second SET_OWNER"),
        NO_REGIONS(f -> f.send(FrontEnd.SET_MEM_TABLE, 1, new byte[8]), "0 regions"),
        REGION_WRAPS(
                f -> memory(f, FrontEnd.memoryTable(Long.MAX_VALUE, 4096, 0, 0)), "wraps around"),
        REGION_BEYOND_FILE(f -> memory(f, FrontEnd.memoryTable(0, 2 << 20, 0, 0)), "of a file of"),
        OFFSET_BEYOND_FILE(
                f -> memory(f, FrontEnd.memoryTable(0, 4096, 0, 1 << 20)), "of a file of"),
        RINGS_OUTSIDE_MEMORY(
                f -> memory(f, FrontEnd.memoryTable(GUEST_BASE, 4096, USER_BASE, 0)),
                "outside of the memory table"),
        MISALIGNED_RING(
                f -> {
                    byte[] addresses = f.ringAddresses(0);
                    addresses[8] |= 4;
                    f.send(FrontEnd.SET_VRING_ADDR, 1, addresses);
                },
                "not aligned"),
        LOGGING(
                f -> {
                    byte[] addresses = f.ringAddresses(0);
                    addresses[4] = 1;
                    f.send(FrontEnd.SET_VRING_ADDR, 1, addresses);
                },
                "logging");

        private final Consumer<FrontEnd> act;
        private final String reason;

        BadMessage(Consumer<FrontEnd> act, String reason) {
            this.act = act;
            this.reason = reason;
        }

        private static void memory(FrontEnd frontEnd, byte[] table) {
            frontEnd.send(FrontEnd.SET_MEM_TABLE, 1, table, frontEnd.memoryDescriptor());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aBadMessageClosesTheConnectionWithAReason(BadMessage bad) {
        FrontEnd guest = fixture.frontEnd;
        guest.connect();
        bad.act.accept(guest);
        guest.awaitClosed();
        guest.disconnect();
        String reason = bad == BadMessage.UNEXPECTED_DESCRIPTOR ? "with 1 descriptors" : bad.reason;
        await("reported", () -> fixture.device.status().lastFailure().contains(reason));
        guest.connect();
        fixture.send(0, 64);
        await("works again", () -> guest.ring(1).completed() == 1);
    }

    @Test
    void unsealedMemoryIsRefusedUnlessAllowed() {
        Path socket = directory.resolve("u");
        try (var strict = new Fixture(socket, false, true)) {
            strict.frontEnd.accept();
            strict.frontEnd.negotiate();
            strict.frontEnd.send(
                    FrontEnd.SET_MEM_TABLE,
                    1,
                    FrontEnd.memoryTable(GUEST_BASE, 1 << 20, USER_BASE, 0),
                    strict.frontEnd.memoryDescriptor());
            strict.frontEnd.awaitClosed();
            await("reported", () -> strict.device.status().lastFailure().contains("not sealed"));
        }
    }

    @Test
    void aListeningDeviceServesOneFrontEndAfterTheOther() throws InterruptedException {
        Path socket = directory.resolve("l");
        VhostDevice device =
                VhostDevice.start(
                        new VhostDevice.Options(
                                "listens", socket, VhostDevice.Role.LISTEN, TYPE, true));
        for (int i = 0; i < 3; i++) {
            try (var client = dev.iod.sys.UnixSocket.connect(socket)) {
                client.send(new byte[] {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 0, 12);
                byte[] answer = new byte[20];
                assertThat(client.receive(answer, 0, 20, new ArrayList<>())).isEqualTo(20);
                assertThat(answer[12 + 4]).as("VERSION_1").isEqualTo((byte) 1);
            }
        }
        device.close();
        assertThat(device.awaitClosed(5_000)).isTrue();
        assertThat(socket).doesNotExist();
    }
}
