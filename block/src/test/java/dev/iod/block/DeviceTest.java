package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.DISCARD;
import static dev.iod.vhost.testing.BlockDriver.GET_ID;
import static dev.iod.vhost.testing.BlockDriver.IO_ERROR;
import static dev.iod.vhost.testing.BlockDriver.OK;
import static dev.iod.vhost.testing.BlockDriver.UNSUPPORTED;
import static dev.iod.vhost.testing.BlockDriver.WRITE_ZEROES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.sys.Errno;
import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a guest sees of a volume, on the pool's file system. */
@Timeout(300)
class DeviceTest {
    private static final long MIB = 1 << 20;
    private static TestPool pool = TestPool.small("device");

    @TempDir Path directory;
    private TestEngine engine;
    private LocalPool volumes;

    @BeforeAll
    static void mount() {
        pool.mount();
    }

    @AfterAll
    static void unmount() {
        pool.close();
    }

    @BeforeEach
    void start() {
        volumes = pool.open();
        engine = new TestEngine(volumes, directory);
        volumes.create("v", 16 * MIB, true);
    }

    @AfterEach
    void stop() {
        engine.close();
        volumes.names().forEach(volumes::delete);
    }

    @Test
    void whatIsWrittenIsRead() throws Exception {
        byte[] bytes = new byte[(int) MIB];
        new Random(1).nextBytes(bytes);
        try (Guest guest = engine.attach("v")) {
            assertThat(guest.writeBytes(3 * MIB, bytes)).isEqualTo(OK);
            assertThat(guest.flush()).isEqualTo(OK);
            assertThat(guest.read(3 * MIB, bytes.length)).isEqualTo(bytes);
            assertThat(guest.read(0, 512)).containsOnly(0);
            byte[] file = Files.readAllBytes(volumes.data("v"));
            assertThat(Arrays.copyOfRange(file, (int) (3 * MIB), (int) (4 * MIB))).isEqualTo(bytes);
            assertThat(engine.device("v").count(VolumeCounter.FLUSHES)).isEqualTo(1);
            assertThat(engine.device("v").count(VolumeCounter.BYTES_WRITTEN)).isEqualTo(MIB);
            assertThat(engine.device("v").count(VolumeCounter.BOUNCED)).isZero();
        }
    }

    @Test
    void theConfigurationSaysWhatTheDeviceCan() {
        try (Guest guest = engine.attach("v", 2, Limits.NONE, new byte[0])) {
            ByteBuffer config =
                    ByteBuffer.wrap(guest.frontEnd.configuration(60))
                            .order(ByteOrder.LITTLE_ENDIAN);
            assertThat(config.getLong(0)).isEqualTo(16 * MIB / 512);
            assertThat(config.getInt(20)).as("logical block").isEqualTo(512);
            assertThat(config.get(24)).as("physical block: an exponent").isEqualTo((byte) 3);
            assertThat(config.get(25)).as("alignment").isZero();
            assertThat(config.getShort(34)).isEqualTo((short) 2);
            assertThat(guest.frontEnd.configuration(256)).hasSize(256);
            long wanted =
                    VirtioBlk.F_FLUSH
                            | VirtioBlk.F_MQ
                            | VirtioBlk.F_DISCARD
                            | VirtioBlk.F_WRITE_ZEROES;
            assertThat(guest.frontEnd.features() & wanted).isEqualTo(wanted);
            for (int queue = 0; queue < 2; queue++) {
                BlockDriver driver = guest.driver(queue);
                driver.offer(0, GET_ID, 0, 20);
                assertThat(guest.await(driver, 0)).isEqualTo(OK);
                byte[] id = new byte[20];
                Memory.copyToArray(driver.data(0), id, 0, 20);
                assertThat(new String(id, StandardCharsets.UTF_8).trim()).isEqualTo("v");
            }
        }
    }

    @Test
    void requestsOutsideOfTheVolumeOrUnknownAreRefused() {
        try (Guest guest = engine.attach("v")) {
            assertThat(guest.tryRead(16 * MIB, 512)).isEqualTo(IO_ERROR);
            assertThat(guest.tryRead(16 * MIB - 512, 1024)).isEqualTo(IO_ERROR);
            assertThat(guest.tryRead(16 * MIB - 512, 512)).isEqualTo(OK);
            assertThat(guest.tryRead(0, 100)).isEqualTo(IO_ERROR);
            guest.driver().offer(0, 0, -1L, 512);
            assertThat(guest.await(guest.driver(), 0)).isEqualTo(IO_ERROR);
            guest.driver().offer(0, 0, Long.MAX_VALUE / 512, 512);
            assertThat(guest.await(guest.driver(), 0)).isEqualTo(IO_ERROR);
            guest.driver().offer(0, 0, 0, 0);
            assertThat(guest.await(guest.driver(), 0)).isEqualTo(IO_ERROR);
            guest.driver().offer(0, 99, 0, 512);
            assertThat(guest.await(guest.driver(), 0)).isEqualTo(UNSUPPORTED);
            assertThat(engine.device("v").count(VolumeCounter.REFUSED)).isEqualTo(7);
        }
    }

    @Test
    void zeroingAndDiscardingReadAsZerosAndGiveSpaceBack() {
        try (Guest guest = engine.attach("v")) {
            assertThat(guest.write(0, (int) MIB, 1)).isEqualTo(OK);
            assertThat(guest.flush()).isEqualTo(OK);
            long before = volumes.status("v").allocatedBytes();
            assertThat(guest.range(WRITE_ZEROES, 512, 1024, false)).isEqualTo(OK);
            assertThat(guest.read(0, 512)).containsOnly(1);
            assertThat(guest.read(512, 1024)).containsOnly(0);
            assertThat(guest.read(1536, 512)).containsOnly(1);
            assertThat(guest.range(WRITE_ZEROES, 64 << 10, 64 << 10, true)).isEqualTo(OK);
            assertThat(guest.read(64 << 10, 64 << 10)).containsOnly(0);
            assertThat(guest.range(DISCARD, MIB / 2, MIB / 2, false)).isEqualTo(OK);
            assertThat(guest.flush()).isEqualTo(OK);
            assertThat(volumes.status("v").allocatedBytes()).isLessThan(before - MIB / 3);
            assertThat(guest.range(DISCARD, 0, 512, false)).as("too small: nothing").isEqualTo(OK);
            assertThat(guest.read(0, 512)).containsOnly(1);
            assertThat(guest.range(DISCARD, 0, 4096, true)).isEqualTo(UNSUPPORTED);
            assertThat(guest.range(WRITE_ZEROES, 16 * MIB, 512, false)).isEqualTo(IO_ERROR);
        }
    }

    @Test
    void zerosAreWrittenWhereTheStorageCannotZero() {
        try (Guest guest = engine.attach("v")) {
            assertThat(guest.write(0, (int) MIB, 1)).isEqualTo(OK);
            engine.inject("v", b -> b.error(Operation.WRITE_ZEROES, Errno.EOPNOTSUPP));
            assertThat(guest.range(WRITE_ZEROES, 512, 300 << 10, false)).isEqualTo(OK);
            assertThat(guest.read(0, 512)).containsOnly(1);
            assertThat(guest.read(512, 300 << 10)).containsOnly(0);
            assertThat(guest.read(512 + (300 << 10), 512)).containsOnly(1);
        }
    }

    /** Header, data and status cut into odd pieces, at odd addresses. */
    @Test
    void buffersMayBeCutAnywhere() {
        try (Guest guest = engine.attach("v")) {
            FrontEnd front = guest.frontEnd;
            DriverRing ring = front.ring(0);
            long at = front.buffers() + (1 << 20);
            long guestAt = FrontEnd.GUEST_BASE + at;
            Memory.fill(front.host(at), 8192, 0);
            Memory.writeInt(front.host(at + 3), 1); // OUT, at an odd address
            Memory.writeLong(front.host(at + 3 + 8), 8);
            Memory.fill(front.host(at + 19), 1024, 5);
            // 7 bytes of header; the rest of it with 500 of data; the rest; the status.
            ring.describe(0, guestAt + 3, 7, DriverRing.NEXT, 1);
            ring.describe(1, guestAt + 10, 509, DriverRing.NEXT, 2);
            ring.describe(2, guestAt + 519, 524, DriverRing.NEXT, 3);
            ring.describe(3, guestAt + 4096, 1, DriverRing.WRITE, 0);
            Memory.writeByte(front.host(at + 4096), 0xee);
            ring.offer(0);
            assertThat(guest.await(guest.driver(), 0)).isNotNegative();
            assertThat(Memory.readByte(front.host(at + 4096))).isEqualTo(OK);
            assertThat(guest.read(4096, 1024)).containsOnly(5);
            assertThat(guest.read(5120, 512)).containsOnly(0);
            assertThat(engine.device("v").count(VolumeCounter.BOUNCED)).isEqualTo(1);
        }
    }

    @Test
    void anEncryptedVolumeIsNotReadableWithoutItsKey() throws Exception {
        byte[] key = TestEngine.key(1);
        byte[] bytes = new byte[300 << 10];
        new Random(2).nextBytes(bytes);
        try (Guest guest = engine.attach("v", 1, Limits.NONE, key)) {
            assertThat(guest.writeBytes(8192, bytes)).isEqualTo(OK);
            assertThat(guest.read(8192, bytes.length)).isEqualTo(bytes);
            assertThat(guest.read(0, 8192)).as("never written").containsOnly(0);
            assertThat(guest.read(8192 + 512, 512)).isEqualTo(Arrays.copyOfRange(bytes, 512, 1024));
            assertThat(guest.range(WRITE_ZEROES, 8192, 4096, false)).isEqualTo(OK);
            assertThat(guest.read(8192, 4096)).containsOnly(0);
            assertThat(guest.flush()).isEqualTo(OK);
        }
        byte[] file = Files.readAllBytes(volumes.data("v"));
        assertThat(Arrays.copyOfRange(file, 16384, 20480))
                .isNotEqualTo(Arrays.copyOfRange(bytes, 8192, 12288));
        engine.engine.run(new Command.Detach("v"));
        assertThatThrownBy(() -> engine.attach("v", 1, Limits.NONE, new byte[64]).close())
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("halves");
        Files.deleteIfExists(engine.socket("v"));
        try (Guest guest = engine.attach("v", 1, Limits.NONE, key)) {
            assertThat(guest.read(12288, 8192)).isEqualTo(Arrays.copyOfRange(bytes, 4096, 12288));
        }
    }

    @Test
    void requestsAllocateNothing() {
        if (Memory.CHECKED) {
            return; // the checked twin of memory allocates; this is about the product's
        }
        volumes.create("e", 16 * MIB, true);
        try (Guest plain = engine.attach("v");
                Guest encrypted = engine.attach("e", 1, Limits.NONE, TestEngine.key(5))) {
            for (Guest guest : java.util.List.of(plain, encrypted)) {
                // Until the JIT compiler is done foreign calls allocate (the ring's call is made
                // often first, because storage may be slow); then a round costs what the two
                // questions cost. A request that allocated anything itself would add 16 bytes at
                // least, each, for ever.
                engine.manyForeignCalls();
                long until = System.nanoTime() + 60_000_000_000L;
                long allocated;
                do {
                    long before = engine.onShard(DeviceTest::allocatedBytes);
                    requests(guest, 2_000);
                    allocated = engine.onShard(DeviceTest::allocatedBytes) - before;
                } while (allocated >= 2_000 * 8 && System.nanoTime() - until < 0);
                assertThat(allocated).isLessThan(2_000 * 8);
            }
        }
    }

    private static void requests(Guest guest, int count) {
        BlockDriver driver = guest.driver();
        int offered = 0;
        int answered = 0;
        while (answered < count) {
            while (offered < count && offered - answered < driver.slots()) {
                int slot = offered % driver.slots();
                if (offered % 3 == 0) {
                    driver.read(slot, slot * 4096L, 4096);
                } else {
                    driver.write(slot, slot * 4096L, 4096);
                }
                offered++;
            }
            driver.kick();
            // All of a round, because the next one uses the same slots.
            while (answered < offered) {
                if (driver.hasAnswer()) {
                    assertThat(driver.status(driver.take())).isEqualTo(OK);
                    answered++;
                } else {
                    Thread.onSpinWait();
                }
            }
        }
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

    @Test
    void limitsHoldAndAFlushIsNotStuckBehindTheDebt() {
        try (Guest guest = engine.attach("v", 1, new Limits(50, 0), new byte[0])) {
            BlockDriver driver = guest.driver();
            // So that only the engine decides when a flush is answered.
            engine.inject("v", InjectingBackend::swallowFlushes);
            long begin = System.nanoTime();
            int served = 0;
            for (int round = 0; round < 6; round++) {
                for (int slot = 0; slot < 9; slot++) {
                    driver.write(slot, slot * 4096L, 4096);
                }
                driver.flush(9);
                driver.kick();
                boolean flushed = false;
                int answered = 0;
                while (answered < 10) {
                    if (!driver.hasAnswer()) {
                        Thread.onSpinWait();
                        continue;
                    }
                    if (driver.take() == 9) {
                        flushed = true;
                        // The debt is 9 requests at 20 ms each: the first round's burst aside,
                        // most of them are still waiting.
                        assertThat(round == 0 || answered < 8).isTrue();
                    }
                    answered++;
                }
                assertThat(flushed).isTrue();
                served += 9;
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            // A tenth of a second's burst and the one that may go into debt come on top.
            assertThat(served / seconds).isLessThan(50 * 1.2 + 7 / seconds);
            assertThat(engine.device("v").count(VolumeCounter.THROTTLED)).isPositive();
            engine.engine.run(new Command.Limit("v", Limits.NONE));
            assertThat(guest.write(0, 4096, 1)).isEqualTo(OK);
        }
    }

    @Test
    void aVolumeGrowsWhileItIsUsed() {
        try (Guest guest = engine.attach("v")) {
            assertThat(guest.tryRead(16 * MIB, 4096)).isEqualTo(IO_ERROR);
            engine.engine.run(new Command.Resize("v", 20 * MIB));
            assertThat(guest.read(16 * MIB, 4096)).containsOnly(0);
            ByteBuffer config =
                    ByteBuffer.wrap(guest.frontEnd.configuration(60))
                            .order(ByteOrder.LITTLE_ENDIAN);
            assertThat(config.getLong(0)).isEqualTo(20 * MIB / 512);
            assertThatThrownBy(() -> engine.engine.run(new Command.Resize("v", MIB)))
                    .hasMessageContaining("only grow");
        }
    }

    @Test
    void aDriverThatCannotFlushGetsDurableWrites() {
        Guest guest = new Guest(engine.socket("v"), 1);
        guest.frontEnd.refuse(VirtioBlk.F_FLUSH);
        engine.engine.run(
                new Command.Attach(
                        "v",
                        new Location.Pool(),
                        engine.socket("v"),
                        false,
                        1,
                        false,
                        Limits.NONE,
                        new byte[0]));
        guest.frontEnd.connect();
        try (guest) {
            assertThat(guest.write(0, 8192, 3)).isEqualTo(OK);
            assertThat(guest.range(WRITE_ZEROES, 0, 4096, true)).isEqualTo(OK);
            // The sync that belongs to the zeroing fails: so does the zeroing.
            engine.inject("v", b -> b.error(Operation.FLUSH, Errno.EIO));
            assertThat(guest.range(WRITE_ZEROES, 4096, 4096, true)).isEqualTo(IO_ERROR);
        }
    }

    @Test
    void aVolumeIsAttachedOnceAndNotDeletedMeanwhile() {
        try (Guest guest = engine.attach("v")) {
            var again =
                    new Command.Attach(
                            "v",
                            new Location.Pool(),
                            engine.socket("v"),
                            false,
                            1,
                            false,
                            Limits.NONE,
                            new byte[0]);
            assertThat(engine.engine.run(again)).isEqualTo(new Answer.Done());
            assertThatThrownBy(
                            () ->
                                    engine.engine.run(
                                            new Command.Attach(
                                                    "v",
                                                    new Location.Pool(),
                                                    engine.socket("w"),
                                                    false,
                                                    1,
                                                    false,
                                                    Limits.NONE,
                                                    new byte[0])))
                    .hasMessageContaining("is attached to");
            assertThatThrownBy(() -> engine.engine.run(new Command.Delete("v")))
                    .hasMessageContaining("is attached");
            guest.write(0, 4096, 1);
            engine.engine.run(new Command.Detach("v"));
            engine.engine.run(new Command.Delete("v"));
            guest.frontEnd.awaitClosed();
        }
        assertThat(volumes.names()).isEmpty();
    }
}
