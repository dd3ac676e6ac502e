package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.MessageFuzz;
import java.io.File;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random messages and random ring contents through a device. Whatever comes, the device must still
 * serve a well-behaved front end afterwards, and no descriptor may be left open. Run again with
 * {@code -Diod.memory=checked}, which proves that every access lies inside a mapping; {@code
 * -Dseed} tries another run, {@code -Diod.full=true} twenty times as many inputs.
 */
@Timeout(1200)
class VhostFuzzTest {
    private static final long SEED = Long.getLong("seed", 3);
    private static final int SCALE = Boolean.getBoolean("iod.full") ? 20 : 1;
    private static final int MESSAGES = 10_000 * SCALE;
    private static final int ROUNDS = 250 * SCALE;
    private static final int RING_STEPS = 200;
    @TempDir Path directory;

    @Test
    void randomMessages() {
        System.out.println("fuzz seed " + SEED);
        Random random = new Random(SEED);
        try (var fixture = new VhostDeviceTest.Fixture(directory.resolve("m"), true, true);
                var fuzz = new MessageFuzz(fixture.frontEnd, random, false)) {
            int messages = 0;
            int connections = 0;
            long descriptors = openDescriptors();
            while (messages < MESSAGES) {
                connections++;
                messages += fuzz.converse();
                fixture.frontEnd.disconnect();
            }
            System.out.println(messages + " messages over " + connections + " connections");
            proveItWorks(fixture);
            fixture.frontEnd.disconnect();
            VhostDeviceTest.await("closed", () -> openDescriptors() <= descriptors);
        }
    }

    @Test
    void randomRings() {
        System.out.println("fuzz seed " + SEED);
        Random random = new Random(SEED);
        try (var fixture = new VhostDeviceTest.Fixture(directory.resolve("r"), true, true)) {
            FrontEnd guest = fixture.frontEnd;
            for (int round = 0; round < ROUNDS; round++) {
                guest.ring(0).reset();
                guest.ring(1).reset();
                try {
                    guest.connect();
                    scribble(guest, random);
                } catch (SysException | FrontEnd.ClosedByBackEnd e) {
                    // Closed during the handshake already: the rings were bad from the start.
                }
                guest.disconnect();
            }
            System.out.println(ROUNDS + " rounds of " + RING_STEPS + " changes to rings");
            proveItWorks(fixture);
        }
    }

    /** Descriptors that are mostly plausible, random bytes over them, random indexes. */
    private static void scribble(FrontEnd guest, Random random) {
        for (int step = 0; step < RING_STEPS; step++) {
            DriverRing ring = guest.ring(random.nextInt(2));
            boolean receives = ring == guest.ring(0);
            int flags = receives ? DriverRing.WRITE : 0;
            if (random.nextInt(3) == 0) {
                flags |= DriverRing.NEXT;
            }
            if (random.nextInt(200) == 0) {
                flags = random.nextInt(65536);
            }
            long address = FrontEnd.GUEST_BASE + random.nextInt((int) guest.memoryBytes() - 4096);
            int length = random.nextInt(4096);
            if (random.nextInt(200) == 0) {
                address = random.nextLong();
                length = random.nextInt();
            }
            int next = random.nextInt(random.nextInt(100) == 0 ? 65536 : ring.size());
            ring.describe(random.nextInt(ring.size()), address, length, flags, next);
            ring.offer(random.nextInt(random.nextInt(200) == 0 ? 65536 : ring.size()));
            if (random.nextInt(3) == 0) {
                ring.publish();
                ring.kick();
            }
            if (random.nextInt(300) == 0) {
                ring.publishIndex(random.nextInt(65536));
            }
            if (random.nextInt(50) == 0) {
                long offset = random.nextInt((int) guest.buffers() - 8);
                Memory.writeLong(guest.host(offset), random.nextLong());
            }
            if (random.nextInt(100) == 0) {
                guest.request(FrontEnd.SET_VRING_ENABLE, FrontEnd.ringState(1, step & 1));
            }
        }
    }

    /** Front end and back end share this process. */
    private static long openDescriptors() {
        String[] open = new File("/proc/self/fd").list();
        return open == null ? 0 : open.length;
    }

    private static void proveItWorks(VhostDeviceTest.Fixture fixture) {
        FrontEnd guest = fixture.frontEnd;
        guest.ring(0).reset();
        guest.ring(1).reset();
        guest.connect();
        fixture.send(0, 64);
        VhostDeviceTest.await("works", () -> guest.ring(1).usedIndex() == 1);
        assertThat(fixture.device.status().connected()).isTrue();
    }
}
