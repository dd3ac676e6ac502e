package dev.iod.vhost;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
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
    private static final int[] NUMBERS = {
        1, 2, 3, 4, 5, 5, 5, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 18, 39, 40, 6, 7, 19, 20,
        24, 31, 36, 37
    };

    @TempDir Path directory;

    @Test
    void randomMessages() {
        System.out.println("fuzz seed " + SEED);
        Random random = new Random(SEED);
        try (var fixture = new VhostDeviceTest.Fixture(directory.resolve("m"), true, true)) {
            int messages = 0;
            int connections = 0;
            long descriptors = openDescriptors();
            while (messages < MESSAGES) {
                connections++;
                messages += converse(fixture.frontEnd, random);
                fixture.frontEnd.disconnect();
            }
            System.out.println(messages + " messages over " + connections + " connections");
            proveItWorks(fixture);
            fixture.frontEnd.disconnect();
            VhostDeviceTest.await("closed", () -> openDescriptors() <= descriptors);
        }
    }

    /** One connection: usually a good start, then anything, until the back end has had enough. */
    private static int converse(FrontEnd guest, Random random) {
        int messages = 0;
        try {
            if (random.nextInt(4) == 0) {
                guest.accept();
            } else {
                guest.connect();
            }
            for (; messages < 50; messages++) {
                int number = NUMBERS[random.nextInt(NUMBERS.length)];
                byte[] payload = payload(guest, random, number);
                int flags = random.nextInt(20) == 0 ? random.nextInt() : 1 | random.nextInt(2) * 8;
                if (random.nextInt(30) == 0) {
                    byte[] raw = new byte[random.nextInt(40)];
                    random.nextBytes(raw);
                    guest.sendRaw(raw);
                }
                guest.send(number, flags, payload, descriptors(guest, random, number));
            }
        } catch (SysException | FrontEnd.ClosedByBackEnd e) {
            // Thrown out: what should happen to most of these.
        }
        return messages;
    }

    private static byte[] payload(FrontEnd guest, Random random, int number) {
        int ring = random.nextInt(10) == 0 ? random.nextInt() : random.nextInt(2);
        return switch (random.nextInt(8) == 0 ? 0 : number) {
            case 1, 3, 4, 15, 17, 40 -> new byte[0];
            case 2 -> FrontEnd.number(guest.features() & random.nextLong());
            case 5 ->
                    FrontEnd.memoryTable(
                            maybe(random, FrontEnd.GUEST_BASE),
                            maybe(random, guest.memoryBytes()),
                            maybe(random, FrontEnd.USER_BASE),
                            maybe(random, 0));
            case 8 -> FrontEnd.ringState(ring, 1 << random.nextInt(12));
            case 9 -> {
                byte[] addresses = guest.ringAddresses(random.nextInt(2));
                if (random.nextInt(3) == 0) {
                    addresses[random.nextInt(addresses.length)] ^= (byte) random.nextInt();
                }
                yield addresses;
            }
            case 10 -> FrontEnd.ringState(ring, random.nextInt(70_000));
            case 11 -> FrontEnd.ringState(ring, 0);
            case 12, 13, 14 -> FrontEnd.number(random.nextInt(4) == 0 ? 0x100 : random.nextInt(2));
            case 16 -> FrontEnd.number(random.nextLong() & 0x10009);
            case 18 -> FrontEnd.ringState(ring, random.nextInt(2));
            default -> {
                byte[] bytes = new byte[random.nextInt(300)];
                random.nextBytes(bytes);
                yield bytes;
            }
        };
    }

    private static long maybe(Random random, long value) {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> value + random.nextInt(8192) - 4096;
            default -> value;
        };
    }

    private static int[] descriptors(FrontEnd guest, Random random, int number) {
        boolean right = random.nextInt(6) != 0;
        int count = random.nextInt(4);
        if (right) {
            count = number == 5 || number >= 12 && number <= 14 ? 1 : 0;
        }
        int[] descriptors = new int[count];
        for (int i = 0; i < count; i++) {
            DriverRing ring = guest.ring(random.nextInt(2));
            boolean memory = number == 5 || random.nextInt(8) == 0;
            descriptors[i] =
                    memory
                            ? guest.memoryDescriptor()
                            : (number == 13 ? ring.callDescriptor() : ring.kickDescriptor()).fd();
        }
        return descriptors;
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
