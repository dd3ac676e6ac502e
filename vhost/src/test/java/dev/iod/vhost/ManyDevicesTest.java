package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.SysException;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many devices of one process: who serves them, and who holds up whom. */
@Timeout(300)
class ManyDevicesTest {
    private static final DeviceType TYPE = new DeviceType(0, 2, 1, 256);
    private static final int DEVICES = 200;
    private static final int RING = 16;

    /** Longer than the test: nothing here goes on because the time of another one is up. */
    private static final VhostDevice.Pauses PATIENT = new VhostDevice.Pauses(2, 4, 600_000);

    @TempDir Path directory;
    private final List<FrontEnd> frontEnds = new ArrayList<>();
    private final List<VhostDevice> devices = new ArrayList<>();

    /** An engine thread never looks at these. */
    private final List<VhostDevice> forgotten = new ArrayList<>();

    private volatile boolean stop;
    private Thread engine;

    @BeforeEach
    void start() {
        for (int i = 0; i < DEVICES; i++) {
            devices.add(device("d" + i));
        }
        engine = Thread.ofPlatform().name("engine").start(this::run);
    }

    @AfterEach
    void stop() throws InterruptedException {
        stop = true;
        engine.join();
        for (List<VhostDevice> all : List.of(devices, forgotten)) {
            all.forEach(VhostDevice::close);
            for (VhostDevice device : all) {
                assertThat(device.awaitClosed(60_000)).isTrue();
            }
        }
        frontEnds.forEach(FrontEnd::close);
    }

    private VhostDevice device(String name) {
        Path socket = directory.resolve(name);
        frontEnds.add(new FrontEnd(new FrontEnd.Options(socket, 2, RING, 1 << 16, true)));
        return VhostDevice.start(
                new VhostDevice.Options(name, socket, VhostDevice.Role.DIAL, TYPE, true), PATIENT);
    }

    private void run() {
        while (!stop) {
            for (VhostDevice device : devices) {
                device.guarded(ManyDevicesTest::turn, this, device);
            }
            LockSupport.parkNanos(100_000);
        }
    }

    private void turn(VhostDevice device) {
        device.refresh();
        Vring ring = device.ring(1);
        while (ring.hasAvailable()) {
            ring.complete(ring.peek(), 0);
        }
        ring.publish();
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("vhost-"))
                .toList();
    }

    private static void work(FrontEnd guest) {
        guest.connect();
        DriverRing ring = guest.ring(1);
        ring.describe(0, FrontEnd.GUEST_BASE + guest.buffers(), 64, 0, 0);
        ring.offer(0);
        ring.publish();
        ring.kick();
        VhostDeviceTest.await("works", () -> ring.usedIndex() == 1);
    }

    @Test
    void oneThreadWaitsForAllFrontEnds() {
        frontEnds.forEach(ManyDevicesTest::work);
        VhostDeviceTest.await(
                "lent threads are given back", () -> threads().equals(List.of("vhost-control")));
        assertThat(devices).allMatch(device -> device.status().connected());
        frontEnds.forEach(FrontEnd::disconnect);
        frontEnds.forEach(ManyDevicesTest::workAgain);
    }

    private static void workAgain(FrontEnd guest) {
        guest.ring(0).reset();
        guest.ring(1).reset();
        work(guest);
    }

    @Test
    void frontEndsThatKeepItWaitingHoldUpNobodyElse() {
        FrontEnd half = frontEnds.get(0);
        half.accept();
        half.sendRaw(new byte[] {2, 0, 0, 0, 1, 0});

        FrontEnd deaf = frontEnds.get(1);
        deaf.accept();
        CompletableFuture<Void> asking = begin(() -> askForEver(deaf));

        // Its rings run, and the engine does not say that it uses others.
        forgotten.add(device("forgotten"));
        FrontEnd unanswered = frontEnds.get(DEVICES);
        CompletableFuture<Void> connecting = begin(unanswered::connect);

        frontEnds.subList(2, DEVICES).forEach(ManyDevicesTest::work);
        VhostDeviceTest.await("two are still served", () -> threads().size() == 3);
        assertThat(asking).isNotDone();
        assertThat(connecting).isNotDone();
        assertThat(devices).allMatch(device -> device.status().connected());

        half.sendRaw(new byte[6]);
        half.awaitClosed();
        forgotten.forEach(VhostDevice::close);
        assertThat(connecting)
                .failsWithin(60, TimeUnit.SECONDS)
                .withThrowableThat()
                .withRootCauseInstanceOf(FrontEnd.ClosedByBackEnd.class);
        devices.get(1).close();
        assertThat(asking).succeedsWithin(60, TimeUnit.SECONDS);
    }

    private static CompletableFuture<Void> begin(Runnable work) {
        return CompletableFuture.runAsync(work, task -> Thread.ofPlatform().daemon().start(task));
    }

    private static void askForEver(FrontEnd deaf) {
        try {
            while (true) {
                deaf.send(FrontEnd.GET_FEATURES, 1, new byte[0]);
            }
        } catch (SysException e) {
            // The other side closed the connection: the end of the test.
        }
    }
}
