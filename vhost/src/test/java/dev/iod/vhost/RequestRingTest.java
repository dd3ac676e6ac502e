package dev.iod.vhost;

import static dev.iod.vhost.testing.FrontEnd.GUEST_BASE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.UnixSocket;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests answered in any order, and what is left of them when the process dies. */
@Timeout(60)
class RequestRingTest {
    private static final DeviceType TYPE =
            new DeviceType(DeviceType.INDIRECT_DESC | DeviceType.EVENT_IDX, 1, 1, 256, true);
    private static final int RING = 16;

    @TempDir Path directory;
    private final Mapping vectors = Mapping.anonymous(4096);
    private final Chain chain = new Chain(vectors.address(), 8);
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
        vectors.close();
    }

    /** A device whose engine thread does what the test says. */
    private static final class Engine implements AutoCloseable {
        final VhostDevice device;
        private final LinkedBlockingQueue<FutureTask<?>> tasks = new LinkedBlockingQueue<>();
        private final Thread thread;
        private volatile boolean stop;

        Engine(Path socket) {
            device =
                    VhostDevice.start(
                            new VhostDevice.Options(
                                    "test", socket, VhostDevice.Role.DIAL, TYPE, true),
                            new VhostDevice.Pauses(2, 4, 10_000));
            thread = Thread.ofPlatform().name("engine").start(this::run);
        }

        private void run() {
            try {
                while (!stop) {
                    device.refresh();
                    FutureTask<?> task = tasks.poll(1, TimeUnit.MILLISECONDS);
                    if (task != null) {
                        device.refresh();
                        task.run();
                    }
                }
                device.close();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        <T> T call(Callable<T> action) throws Exception {
            FutureTask<T> task = new FutureTask<>(action);
            tasks.add(task);
            return task.get(30, TimeUnit.SECONDS);
        }

        RequestRing ring() {
            return device.requestRing(0);
        }

        /** The next requests' heads, all that are there. */
        List<Integer> take() throws Exception {
            return call(
                    () -> {
                        List<Integer> heads = new ArrayList<>();
                        for (int h = ring().take(); h >= 0; h = ring().take()) {
                            heads.add(h);
                        }
                        return heads;
                    });
        }

        void answer(int... heads) throws Exception {
            call(
                    () -> {
                        for (int head : heads) {
                            ring().complete(head, 0);
                        }
                        ring().publish();
                        ring().interrupt();
                        return true;
                    });
        }

        /** As kill -9: nothing is answered, nothing is written any more. */
        void die() throws InterruptedException {
            stop = true;
            thread.join();
            assertThat(device.awaitClosed(30_000)).isTrue();
        }

        @Override
        public void close() {
            try {
                die();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private Engine engine() {
        Engine engine = new Engine(directory.resolve("s"));
        open.add(engine);
        return engine;
    }

    private FrontEnd frontEnd() {
        FrontEnd front =
                new FrontEnd(new FrontEnd.Options(directory.resolve("s"), 1, RING, 1 << 20, true));
        open.add(front);
        return front;
    }

    private static void offer(FrontEnd guest, int... heads) {
        for (int head : heads) {
            guest.ring(0).describe(head, GUEST_BASE + guest.buffers(), 16, 0, 0);
            guest.ring(0).offer(head);
        }
        guest.ring(0).publish();
        guest.ring(0).kick();
    }

    @Test
    void whatWasTakenAndNotAnsweredIsTakenAgainInOrder() throws Exception {
        FrontEnd guest = frontEnd();
        Engine first = engine();
        guest.connect();
        offer(guest, 5, 3, 9, 1);
        assertThat(first.take()).containsExactly(5, 3, 9, 1);
        first.answer(9);
        open.remove(first);
        first.die();
        guest.disconnect();
        offer(guest, 7);
        Engine second = engine();
        guest.connect();
        assertThat(second.take()).containsExactly(5, 3, 1, 7);
        second.answer(1, 7, 5, 3);
        assertThat(guest.ring(0).completed()).isEqualTo(5);
        List<Integer> answered = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            answered.add((int) guest.ring(0).take());
        }
        assertThat(answered).containsExactly(9, 1, 7, 5, 3);
    }

    @Test
    void everyMomentOfDyingIsRecoveredFrom() {
        try (Mapping memory = Mapping.anonymous(4096)) {
            InflightRegion before = new InflightRegion(memory.address(), 8);
            assertThat(before.recover(100)).isEmpty();
            before.taken(4);
            before.taken(2);
            before.taken(6);
            before.answered(2);
            before.answered(4);
            // The used index is not written yet: nothing was answered.
            assertThat(new InflightRegion(memory.address(), 8).recover(100))
                    .containsExactly(4, 2, 6);
            // It is, but nothing after it.
            assertThat(new InflightRegion(memory.address(), 8).recover(102)).containsExactly(6);
            // And once more, as nothing has happened since.
            assertThat(new InflightRegion(memory.address(), 8).recover(102)).containsExactly(6);
        }
    }

    @Test
    void theConfigurationHasAnySizeAndItsChangeIsTold() throws Exception {
        FrontEnd guest = frontEnd();
        Engine engine = engine();
        engine.device.configuration(new byte[] {1, 2, 3});
        guest.connect();
        assertThat(guest.configuration(60)).hasSize(60).startsWith(1, 2, 3, 0, 0);
        assertThat(guest.configuration(256)).hasSize(256).startsWith(1, 2, 3, 0);
        assertThat(guest.configuration(2)).containsExactly(1, 2);
        Path path = directory.resolve("requests");
        try (var listener = UnixSocket.listen(path, 1);
                var mine = UnixSocket.connect(path);
                var theirs = listener.accept()) {
            guest.request(FrontEnd.SET_BACKEND_REQ_FD, new byte[0], theirs.fd());
            engine.device.configuration(new byte[] {9});
            byte[] message = new byte[12];
            assertThat(mine.receive(message, 0, 12, new ArrayList<>())).isEqualTo(12);
            assertThat(message).containsExactly(2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
            assertThat(guest.configuration(60)).startsWith(9, 0);
        }
    }

    @Test
    void indirectTablesAndEventIndexesWork() throws Exception {
        FrontEnd guest = frontEnd();
        Engine engine = engine();
        guest.connect();
        assertThat(guest.features() & DeviceType.EVENT_IDX).isNotZero();
        long table = guest.buffers();
        Memory.writeLong(guest.host(table), GUEST_BASE + table + 4096);
        Memory.writeLong(guest.host(table) + 8, 16 | (long) (DriverRing.NEXT) << 32 | 1L << 48);
        Memory.writeLong(guest.host(table) + 16, GUEST_BASE + table + 8192);
        Memory.writeLong(guest.host(table) + 24, 512 | (long) DriverRing.WRITE << 32);
        DriverRing ring = guest.ring(0);
        ring.callDescriptor().drain();
        ring.wantInterruptAfter(2);
        ring.describe(0, GUEST_BASE + table, 32, DriverRing.INDIRECT, 0);
        ring.describe(1, GUEST_BASE + table, 32, DriverRing.INDIRECT, 0);
        ring.offer(0);
        ring.offer(1);
        ring.publish();
        assertThat(engine.take()).containsExactly(0, 1);
        boolean parsed =
                engine.call(
                        () -> {
                            engine.ring().chain(1, chain);
                            return true;
                        });
        assertThat(parsed).isTrue();
        assertThat(chain.readable()).isEqualTo(1);
        assertThat(chain.readableBytes()).isEqualTo(16);
        assertThat(chain.writableBytes()).isEqualTo(512);
        engine.answer(1);
        assertThat(ring.callDescriptor().drain()).as("one answer is not asked for").isZero();
        engine.answer(0);
        assertThat(ring.callDescriptor().drain()).isEqualTo(1);
        boolean quiet = engine.call(() -> engine.ring().requestKicks());
        assertThat(quiet).isTrue();
        ring.offer(0);
        ring.publish();
        assertThat(ring.kick()).isTrue();
    }

    @Test
    void answersShownInPartsMakeOneInterrupt() throws Exception {
        Engine engine = engine();
        FrontEnd guest = frontEnd();
        guest.connect();
        DriverRing ring = guest.ring(0);
        offer(guest, 0, 1, 2);
        assertThat(engine.take()).containsExactly(0, 1, 2);
        ring.wantInterruptAfter(1);
        ring.callDescriptor().drain();
        engine.call(
                () -> {
                    for (int head = 0; head < 3; head++) {
                        engine.ring().complete(head, 0);
                        engine.ring().publish();
                    }
                    engine.ring().interrupt();
                    engine.ring().interrupt();
                    return true;
                });
        assertThat(ring.completed()).isEqualTo(3);
        assertThat(ring.callDescriptor().drain()).isEqualTo(1);
    }

    @Test
    void aHeadInFlightOrACircleIsAViolation() throws Exception {
        FrontEnd guest = frontEnd();
        Engine engine = engine();
        guest.connect();
        offer(guest, 2, 2);
        String twice = violation(engine, true);
        assertThat(twice).contains("in flight");
        guest.awaitClosed();
        guest.disconnect();
        guest.forgetInflight();
        guest.ring(0).reset();
        guest.connect();
        guest.ring(0).describe(0, GUEST_BASE + guest.buffers(), 16, DriverRing.NEXT, 0);
        guest.ring(0).offer(0);
        guest.ring(0).publish();
        String circle = violation(engine, false);
        assertThat(circle).containsAnyOf("longer", "more than");
    }

    /** What the connection ended with. */
    private String violation(Engine engine, boolean takeTwo) throws Exception {
        String before = engine.device.status().lastFailure();
        boolean sound =
                engine.call(
                        () ->
                                engine.device.guarded(
                                        (ring, into) -> {
                                            int head = ring.take();
                                            if (takeTwo) {
                                                ring.take();
                                            } else {
                                                ring.chain(head, into);
                                            }
                                        },
                                        engine.ring(),
                                        chain));
        assertThat(sound).isFalse();
        assertThat(engine.call(() -> engine.ring().live())).isFalse();
        // It dials again at once: that it was not connected may be over before anybody looks.
        VhostDeviceTest.await(
                "reported", () -> !engine.device.status().lastFailure().equals(before));
        return engine.device.status().lastFailure();
    }

    @Test
    void theBlockDriverUsesItsSlots() {
        FrontEnd.Options options =
                new FrontEnd.Options(
                        directory.resolve("d"), 1, 64, BlockDriver.memoryBytes(1, 64, 4096), true);
        try (FrontEnd guest = new FrontEnd(options)) {
            BlockDriver driver = new BlockDriver(guest, 0, 4096);
            assertThat(driver.slots()).isEqualTo(21);
            driver.write(3, 4096, 4096);
            assertThat(driver.status(3)).isEqualTo(BlockDriver.UNANSWERED);
            assertThat(driver.hasAnswer()).isFalse();
        }
    }
}
