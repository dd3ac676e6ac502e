package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.DISCARD;
import static dev.iod.vhost.testing.BlockDriver.OK;
import static dev.iod.vhost.testing.BlockDriver.WRITE_ZEROES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Errno;
import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Requests of sectors on storage that has larger blocks: a disk in memory says what every sector
 * must hold, while requests for different sectors of the same blocks are under way at once and end
 * in any order.
 */
@Timeout(300)
class SectorTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int REQUESTS = FULL ? 40_000 : 4_000;
    private static final int SECTOR = 512;
    private static final int BLOCK_SECTORS = 8;
    private static final int DISK_SECTORS = 4096;

    /** Where most requests go. */
    private static final int HOT_SECTORS = 48;

    @TempDir Path directory;

    private enum Disk {
        /** The storage has sectors too, where the file system says so. */
        CREATED(512, new byte[0]),
        /** Shares its blocks with an image. */
        CLONED(4096, new byte[0]),
        ENCRYPTED(512, TestEngine.key(3));

        private final int blockBytes;
        private final byte[] key;

        Disk(int blockBytes, byte[] key) {
            this.blockBytes = blockBytes;
            this.key = key;
        }
    }

    /** What the disk holds, and who is at it. */
    private static final class Oracle {
        private final byte[] bytes = new byte[DISK_SECTORS * SECTOR];
        private final int[] readers = new int[DISK_SECTORS];
        private final boolean[] written = new boolean[DISK_SECTORS];

        boolean free(int first, int count, boolean writes) {
            for (int i = first; i < first + count; i++) {
                if (written[i] || writes && readers[i] > 0) {
                    return false;
                }
            }
            return true;
        }

        void enter(Request request, int change) {
            for (int i = request.first; i < request.first + request.count; i++) {
                if (request.type == BlockDriver.READ) {
                    readers[i] += change;
                } else {
                    written[i] = change > 0;
                }
            }
        }

        /** A discard is a wish of whole blocks, which the pool's thin volumes fulfill. */
        void ends(Request request) {
            int from = request.first;
            int to = request.first + request.count;
            switch (request.type) {
                case BlockDriver.WRITE ->
                        System.arraycopy(
                                request.data, 0, bytes, from * SECTOR, request.data.length);
                case WRITE_ZEROES -> Arrays.fill(bytes, from * SECTOR, to * SECTOR, (byte) 0);
                case DISCARD -> {
                    from = (from + BLOCK_SECTORS - 1) & -BLOCK_SECTORS;
                    to &= -BLOCK_SECTORS;
                    if (from < to) {
                        Arrays.fill(bytes, from * SECTOR, to * SECTOR, (byte) 0);
                    }
                }
                default -> {}
            }
        }
    }

    private record Request(int type, int first, int count, byte[] data) {}

    private static Request random(Random random) {
        int[] types = {
            BlockDriver.READ,
            BlockDriver.READ,
            BlockDriver.WRITE,
            BlockDriver.WRITE,
            BlockDriver.WRITE,
            WRITE_ZEROES,
            DISCARD,
            BlockDriver.FLUSH
        };
        int type = types[random.nextInt(types.length)];
        boolean large = random.nextInt(12) == 0;
        int most = large ? 700 : 12;
        int area = large || random.nextInt(4) == 0 ? DISK_SECTORS : HOT_SECTORS;
        int count = 1 + random.nextInt(most);
        int first = random.nextInt(area - count + 1);
        byte[] data = new byte[type == BlockDriver.WRITE ? count * SECTOR : 0];
        random.nextBytes(data);
        return new Request(type, first, count, data);
    }

    @ParameterizedTest
    @EnumSource
    void everySectorIsAsItWasWrittenLast(Disk disk) throws Exception {
        long seed = Long.getLong("iod.seed", 31L);
        System.out.println("SectorTest seed " + seed);
        Random random = new Random(seed);
        Oracle oracle = new Oracle();
        random.nextBytes(oracle.bytes);
        try (TestPool pool = TestPool.small("sectors");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            Path file = directory.resolve("image");
            Files.write(file, oracle.bytes);
            engine.engine.run(new Command.Fill("i", file));
            engine.blockBytes(disk.blockBytes);
            String name = "v";
            if (disk == Disk.CLONED) {
                engine.engine.run(new Command.Clone("i", name, 0));
            } else {
                engine.engine.run(new Command.Create(name, oracle.bytes.length, true));
                Arrays.fill(oracle.bytes, (byte) 0);
            }
            try (Guest guest = engine.attach(name, 1, Limits.NONE, disk.key)) {
                engine.inject(name, b -> b.jitter(new Random(seed), 300_000));
                load(guest, random, oracle);
                engine.inject(name, b -> b.jitter(new Random(seed), 0));
                assertContent(guest, oracle);
                long unaligned = engine.device(name).count(VolumeCounter.UNALIGNED);
                if (disk != Disk.CREATED) {
                    assertThat(unaligned).isPositive();
                }
                assertThat(engine.device(name).inFlight()).isZero();
                assertThat(engine.onShard(engine::freeBounces)).isEqualTo(BouncePool.COUNT);
            }
            assertThat(pool.open().data("i"))
                    .as("what it was cloned from")
                    .hasSameBinaryContentAs(file);
        }
    }

    private static void load(Guest guest, Random random, Oracle oracle) {
        BlockDriver driver = guest.driver();
        Request[] slots = new Request[driver.slots()];
        int offered = 0;
        int answered = 0;
        int together = 0;
        long until = System.nanoTime() + 200_000_000_000L;
        while (answered < REQUESTS) {
            for (int slot = 0; slot < slots.length && offered < REQUESTS; slot++) {
                Request request = random(random);
                boolean writes = request.type != BlockDriver.READ;
                if (slots[slot] != null
                        || request.type != BlockDriver.FLUSH
                                && !oracle.free(request.first, request.count, writes)) {
                    continue;
                }
                together += sharesBlock(slots, request) ? 1 : 0;
                slots[slot] = request;
                offer(driver, slot, request);
                if (request.type != BlockDriver.FLUSH) {
                    oracle.enter(request, 1);
                }
                offered++;
            }
            driver.kick();
            while (driver.hasAnswer()) {
                int slot = driver.take();
                Request request = slots[slot];
                slots[slot] = null;
                assertThat(driver.status(slot)).as("%s", request).isEqualTo(OK);
                if (request.type == BlockDriver.READ) {
                    assertRead(driver, slot, request, oracle);
                }
                if (request.type != BlockDriver.FLUSH) {
                    oracle.enter(request, -1);
                }
                oracle.ends(request);
                answered++;
            }
            assertThat(System.nanoTime() - until).as("all answered in time").isNegative();
        }
        assertThat(together).as("requests for other sectors of blocks in use").isPositive();
    }

    private static boolean sharesBlock(Request[] slots, Request request) {
        for (Request other : slots) {
            if (other != null
                    && other.type != BlockDriver.FLUSH
                    && request.first / BLOCK_SECTORS
                            <= (other.first + other.count - 1) / BLOCK_SECTORS
                    && other.first / BLOCK_SECTORS
                            <= (request.first + request.count - 1) / BLOCK_SECTORS) {
                return true;
            }
        }
        return false;
    }

    private static void offer(BlockDriver driver, int slot, Request request) {
        long offset = (long) request.first * SECTOR;
        int length = request.count * SECTOR;
        switch (request.type) {
            case BlockDriver.READ -> {
                Memory.fill(driver.data(slot), length, 0xaa);
                driver.read(slot, offset, length);
            }
            case BlockDriver.WRITE -> {
                Memory.copyFromArray(request.data, 0, driver.data(slot), length);
                driver.write(slot, offset, length);
            }
            case BlockDriver.FLUSH -> driver.flush(slot);
            default ->
                    driver.range(slot, request.type, offset, length, request.type == WRITE_ZEROES);
        }
    }

    private static void assertRead(BlockDriver driver, int slot, Request request, Oracle oracle) {
        byte[] read = new byte[request.count * SECTOR];
        Memory.copyToArray(driver.data(slot), read, 0, read.length);
        int at =
                Arrays.mismatch(
                        read,
                        0,
                        read.length,
                        oracle.bytes,
                        request.first * SECTOR,
                        request.first * SECTOR + read.length);
        assertThat(at).as("%s differs", request).isEqualTo(-1);
    }

    private static void assertContent(Guest guest, Oracle oracle) {
        for (int at = 0; at < oracle.bytes.length; at += 1 << 20) {
            byte[] read = guest.read(at, 1 << 20);
            for (int i = 0; i < read.length; i += SECTOR) {
                assertThat(
                                Arrays.equals(
                                        read, i, i + SECTOR, oracle.bytes, at + i, at + i + SECTOR))
                        .as("sector %d", (at + i) / SECTOR)
                        .isTrue();
            }
        }
    }

    /** What is written whole meanwhile is not undone by what is written in part. */
    @Test
    void aBlockWrittenInPartWaitsForItsNeighbours() {
        try (TestPool pool = TestPool.small("sectors-order");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.blockBytes(4096);
            engine.engine.run(new Command.Create("v", 1 << 20, true));
            try (Guest guest = engine.attach("v")) {
                BlockDriver driver = guest.driver();
                engine.inject("v", b -> b.hold(Operation.WRITE));
                write(driver, 0, 0, 4096, 1);
                write(driver, 1, 512, 512, 2);
                write(driver, 2, 1024, 512, 3);
                driver.read(3, 8192, 4096);
                driver.flush(4);
                driver.kick();
                // The flush goes past what waits; the read, behind in line, waits with it.
                assertThat(next(driver)).isEqualTo(4);
                engine.inject("v", InjectingBackend::release);
                for (int left = 4; left > 0; left--) {
                    next(driver);
                }
                assertThat(guest.read(0, 512)).containsOnly(1);
                assertThat(guest.read(512, 512)).containsOnly(2);
                assertThat(guest.read(1024, 512)).containsOnly(3);
                assertThat(guest.read(1536, 2560)).containsOnly(1);
            }
        }
    }

    private static void write(BlockDriver driver, int slot, long offset, int length, int value) {
        Memory.fill(driver.data(slot), length, value);
        driver.write(slot, offset, length);
    }

    private static int next(BlockDriver driver) {
        Await.until(driver::hasAnswer);
        int slot = driver.take();
        assertThat(driver.status(slot)).isEqualTo(OK);
        return slot;
    }

    @Test
    void anErrorWhileABlockIsReadIsTheWritesOwn() {
        try (TestPool pool = TestPool.small("sectors-error");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.blockBytes(4096);
            engine.engine.run(new Command.Create("v", 1 << 20, true));
            try (Guest guest = engine.attach("v")) {
                assertThat(guest.write(0, 8192, 1)).isEqualTo(OK);
                engine.inject("v", b -> b.error(Operation.READ, Errno.EIO));
                assertThat(guest.write(512, 512, 2)).isEqualTo(BlockDriver.IO_ERROR);
                engine.inject("v", b -> b.error(Operation.READ, 0));
                assertThat(guest.read(0, 8192)).containsOnly(1);
                assertThat(guest.write(512, 512, 2)).isEqualTo(OK);
                engine.inject("v", b -> b.error(Operation.WRITE_ZEROES, Errno.EOPNOTSUPP));
                assertThat(guest.range(WRITE_ZEROES, 3584, 5120 - 512, true)).isEqualTo(OK);
                assertThat(guest.read(512, 512)).containsOnly(2);
                assertThat(guest.read(1024, 2560)).containsOnly(1);
                assertThat(guest.read(3584, 4608)).containsOnly(0);
                assertThat(engine.onShard(engine::freeBounces)).isEqualTo(BouncePool.COUNT);
            }
        }
    }

    /** A connection that ends leaves nobody waiting for its requests. */
    @Test
    void aLostConnectionLeavesNothingBehind() {
        try (TestPool pool = TestPool.small("sectors-lost");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.blockBytes(4096);
            engine.engine.run(new Command.Create("v", 1 << 20, true));
            try (Guest guest = engine.attach("v")) {
                BlockDriver driver = guest.driver();
                engine.inject("v", b -> b.hold(Operation.WRITE));
                for (int slot = 0; slot < 5; slot++) {
                    write(driver, slot, slot * 512L, 512, slot + 1);
                }
                driver.kick();
                Await.until(() -> engine.device("v").inFlight() == 5);
                guest.frontEnd.disconnect();
                engine.inject("v", InjectingBackend::release);
                guest.frontEnd.connect();
                Await.until(() -> driver.ring().outstanding() == 0 || driver.hasAnswer());
                for (int left = 5; left > 0; left--) {
                    next(driver);
                }
                for (int slot = 0; slot < 5; slot++) {
                    assertThat(guest.read(slot * 512L, 512)).containsOnly(slot + 1);
                }
            }
        }
    }
}
