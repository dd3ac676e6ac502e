package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest that writes nonsense into rings, tables and headers, and changes its memory table while
 * requests are under way. It may lose its connection; the engine serves another guest all the time
 * and never touches memory that is not the guest's (checked by {@code -Diod.memory=checked}).
 */
@Timeout(600)
class BlockFuzzTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int ROUNDS = FULL ? 20_000 : 400;

    @TempDir Path directory;

    @Test
    void aHostileGuestHarmsItselfOnly() {
        long seed = Long.getLong("iod.seed", 4242L);
        System.out.println("BlockFuzzTest seed " + seed);
        Random random = new Random(seed);
        try (TestPool pool = TestPool.small("fuzz");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            byte[] key = random.nextBoolean() ? TestEngine.key(3) : new byte[0];
            try (var hostile = new HostileGuest(engine, 1, key)) {
                int violations = 0;
                for (int round = 0; round < ROUNDS; round++) {
                    try {
                        attack(hostile.front, random);
                    } catch (FrontEnd.ClosedByBackEnd | SysException e) {
                        violations++;
                        hostile.startOver();
                        hostile.connect();
                    }
                    if (round % 20 == 0) {
                        hostile.goodGoesOn();
                    }
                }
                assertThat(violations).as("most rounds break a rule").isPositive();
                hostile.expectGoodUnharmed();
            }
        }
    }

    private static void attack(FrontEnd front, Random random) {
        DriverRing ring = front.ring(0);
        for (int i = 0; i < ring.size(); i++) {
            long address = FrontEnd.GUEST_BASE + front.buffers() + (long) i * 8192;
            header(random, front.host(front.buffers() + (long) i * 8192));
            int flags = random.nextInt(10) == 0 ? random.nextInt(8) : random.nextInt(4);
            ring.describe(
                    i,
                    random.nextInt(12) == 0 ? random.nextLong() : address,
                    length(random),
                    flags,
                    random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(ring.size()));
        }
        // Most heads are those of a well-formed chain of three, with some numbers wrong.
        for (int head = 0; head + 2 < ring.size() && random.nextInt(4) != 0; head += 3) {
            long at = FrontEnd.GUEST_BASE + front.buffers() + head * 8192L;
            boolean write = random.nextBoolean();
            Memory.writeInt(front.host(front.buffers() + head * 8192L), write ? 1 : 0);
            ring.describe(head, at, 16, DriverRing.NEXT, head + 1);
            ring.describe(
                    head + 1,
                    at + 8192,
                    length(random),
                    DriverRing.NEXT | (write ? 0 : DriverRing.WRITE),
                    head + 2);
            ring.describe(head + 2, at + 16384, 1 + random.nextInt(3), DriverRing.WRITE, 0);
        }
        int offers = 1 + random.nextInt(6);
        for (int i = 0; i < offers; i++) {
            ring.offer(
                    random.nextInt(30) == 0
                            ? random.nextInt(70_000)
                            : 3 * random.nextInt(ring.size() / 3));
        }
        if (random.nextInt(40) == 0) {
            ring.publishIndex(random.nextInt(65536));
        } else {
            ring.publish();
        }
        ring.kickDescriptor().signal();
        if (random.nextInt(6) == 0) {
            front.sendMemoryTable();
        }
        // An answer to this says that the connection still lives; it is a round trip only.
        front.configuration(60);
    }

    private static void header(Random random, long at) {
        Memory.writeInt(at, random.nextInt(16));
        Memory.writeLong(at + 8, random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(9000));
        Memory.writeLong(
                at + 16, random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(9000));
        Memory.writeLong(at + 24, random.nextInt(5000));
    }

    private static int length(Random random) {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> random.nextInt(5000);
            case 2 -> random.nextInt();
            default -> 512 << random.nextInt(4);
        };
    }
}
