package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.EventFd;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.MessageFuzz;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Front ends whose messages lie: the device closes the connection with a reason, the process and
 * the other volume go on, and a front end that behaves is served afterwards.
 */
@Timeout(600)
class HostileFrontEndTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int MESSAGES = FULL ? 60_000 : 3_000;
    private static final int REGIONS = FULL ? 2_000 : 50;
    private static final int QUEUES = 2;
    private static final int RING = 32;
    private static final int REGION_BYTES = 16 + 16 * RING + 48;

    @TempDir Path directory;
    private TestPool pool;
    private TestEngine engine;
    private HostileGuest hostile;
    private FrontEnd front;

    @BeforeEach
    void start() {
        pool = TestPool.small("hostile");
        start(true);
    }

    private void start(boolean requireSealed) {
        engine = new TestEngine(pool.open(), directory, "state", requireSealed);
        hostile = new HostileGuest(engine, QUEUES, new byte[0]);
        front = hostile.front;
    }

    @AfterEach
    void stop() {
        hostile.expectGoodUnharmed();
        hostile.close();
        engine.close();
        pool.close();
    }

    private static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] inflight(long bytes, long offset, int queues, int size) {
        return buffer(24)
                .putLong(0, bytes)
                .putLong(8, offset)
                .putShort(16, (short) queues)
                .putShort(18, (short) size)
                .array();
    }

    private void refused(String reason, int number, byte[] payload, int... descriptors) {
        front.send(number, 1, payload, descriptors);
        hostile.expectRefusal(reason);
    }

    @Test
    void inflightFilesThatDoNotFit() {
        for (int[] bad : new int[][] {{0, 32}, {QUEUES + 1, 32}, {0xffff, 32}, {1, 0}, {1, 40000}})
            refused("requests in flight", FrontEnd.GET_INFLIGHT_FD, inflight(0, 0, bad[0], bad[1]));
        refused("a payload of 8 bytes", FrontEnd.GET_INFLIGHT_FD, new byte[8]);
        refused("with 0 descriptors", FrontEnd.SET_INFLIGHT_FD, inflight(0, 0, QUEUES, RING));
        int file = Linux.memfd("file", 1 << 16);
        Linux.seal(file, Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW);
        long[][] wrong = {
            {2L * REGION_BYTES - 1, 0},
            {0, 0},
            {-1, 0},
            {Long.MIN_VALUE, 0},
            {Long.MAX_VALUE, 0},
            {Long.MAX_VALUE, 4096},
            {2L * REGION_BYTES, 1},
            {2L * REGION_BYTES, -4096},
            {2L * REGION_BYTES, Long.MAX_VALUE - 4095},
            {2L * REGION_BYTES, 1 << 16},
            {1 << 16, 4096},
        };
        for (long[] each : wrong) {
            byte[] payload = inflight(each[0], each[1], QUEUES, RING);
            refused("an in-flight file of", FrontEnd.SET_INFLIGHT_FD, payload, file);
        }
        byte[] sound = inflight(2L * REGION_BYTES, 0, QUEUES, RING);
        refused("with 2 descriptors", FrontEnd.SET_INFLIGHT_FD, sound, file, file);
        // Sound by itself, but not for the rings that run.
        byte[] one = inflight(REGION_BYTES, 0, 1, RING);
        refused("is not in the in-flight file", FrontEnd.SET_INFLIGHT_FD, one, file);
        byte[] small = inflight(2L * REGION_BYTES, 0, QUEUES, RING / 2);
        refused("is not in the in-flight file", FrontEnd.SET_INFLIGHT_FD, small, file);
        Linux.close(file);
    }

    @Test
    void descriptorsOfOtherThings() {
        List<Integer> wrong = new ArrayList<>();
        wrong.add(Linux.open(Path.of("/dev/zero"), Linux.O_RDWR));
        wrong.add(Linux.open(directory, Linux.O_RDONLY));
        wrong.add(Linux.memfd("unsealed", 1 << 16));
        EventFd event = EventFd.create();
        byte[] sound = inflight(2L * REGION_BYTES, 0, QUEUES, RING);
        for (int fd : wrong) {
            refused("not sealed", FrontEnd.SET_INFLIGHT_FD, sound, fd);
            refused("is no socket", FrontEnd.SET_BACKEND_REQ_FD, new byte[0], fd);
        }
        refused("not sealed", FrontEnd.SET_INFLIGHT_FD, sound, event.fd());
        refused("is no socket", FrontEnd.SET_BACKEND_REQ_FD, new byte[0], event.fd());
        refused("with 0 descriptors", FrontEnd.SET_BACKEND_REQ_FD, new byte[0]);
        refused(
                "with 2 descriptors",
                FrontEnd.SET_BACKEND_REQ_FD,
                new byte[0],
                event.fd(),
                event.fd());
        wrong.forEach(Linux::close);
        event.close();
    }

    @Test
    void theConfigurationIsReadAtAnyOffsetAndNeverWritten() {
        byte[] all = front.configuration(256);
        for (int offset = 0; offset <= 256; offset += 3) {
            for (int size = 0; size <= 256; size += 7) {
                byte[] question = buffer(12 + size).putInt(0, offset).putInt(4, size).array();
                ByteBuffer answer = front.ask(FrontEnd.GET_CONFIG, question);
                assertThat(answer.capacity()).isEqualTo(question.length);
                for (int i = 0; i < size; i++) {
                    assertThat(answer.get(12 + i))
                            .isEqualTo(offset + i < 256 ? all[offset + i] : 0);
                }
            }
        }
        for (int[] bad : new int[][] {{257, 8}, {-1, 8}, {Integer.MIN_VALUE, 8}, {0, 9}, {0, -1}})
            refused(
                    "GET_CONFIG of",
                    FrontEnd.GET_CONFIG,
                    buffer(20).putInt(0, bad[0]).putInt(4, bad[1]).array());
        refused("a payload of 11 bytes", FrontEnd.GET_CONFIG, new byte[11]);
        refused("a payload of 269 bytes", FrontEnd.GET_CONFIG, new byte[269]);
        for (int size : new int[] {0, 1, 60, 256}) {
            byte[] write = buffer(12 + size).putInt(4, size).array();
            refused("can be written", FrontEnd.SET_CONFIG, write);
        }
    }

    @Test
    void ringsOutsideOfMemory() {
        long end = FrontEnd.USER_BASE + front.memoryBytes();
        long[] wrong = {0, -16, Long.MIN_VALUE, end, end - 16, FrontEnd.USER_BASE - 16, 1L << 62};
        for (int field = 8; field <= 24; field += 8) {
            for (long address : wrong) {
                byte[] addresses = front.ringAddresses(1);
                ByteBuffer.wrap(addresses).order(ByteOrder.LITTLE_ENDIAN).putLong(field, address);
                refused("is outside of the memory table", FrontEnd.SET_VRING_ADDR, addresses);
            }
            byte[] odd = front.ringAddresses(1);
            odd[field] |= 1;
            refused("is not aligned", FrontEnd.SET_VRING_ADDR, odd);
        }
    }

    @Test
    void memoryChangesWhileARequestIsUnderWay() {
        BlockDriver driver = hostile.guest.driver();
        hostile.inject(b -> b.hold(Operation.WRITE));
        Memory.fill(driver.data(0), 4096, 7);
        driver.write(0, 0, 4096);
        driver.kick();
        Await.until(() -> hostile.requestsUnderWay() == 1);
        byte[] table =
                FrontEnd.memoryTable(
                        FrontEnd.GUEST_BASE, front.memoryBytes(), FrontEnd.USER_BASE, 0);
        front.send(
                FrontEnd.SET_MEM_TABLE, 1 | FrontEnd.NEED_REPLY, table, front.memoryDescriptor());
        hostile.goodGoesOn();
        assertThat(hostile.requestsUnderWay()).as("the memory is still needed").isEqualTo(1);
        hostile.inject(InjectingBackend::release);
        front.acknowledged(FrontEnd.SET_MEM_TABLE);
        assertThat(hostile.guest.await(driver, 0)).isEqualTo(BlockDriver.OK);
        assertThat(hostile.guest.read(0, 4096)).containsOnly(7);
        // The guest goes away in the middle of a request: it is carried out again for the next.
        hostile.inject(b -> b.hold(Operation.WRITE));
        driver.write(0, 0, 4096);
        driver.kick();
        Await.until(() -> hostile.requestsUnderWay() == 1);
        front.disconnect();
        hostile.goodGoesOn();
        hostile.inject(InjectingBackend::release);
        front.connect();
        assertThat(hostile.guest.await(driver, 0)).isEqualTo(BlockDriver.OK);
    }

    /** Only where the engine is told that memory need not be sealed. */
    @Test
    void anInflightFileThatIsTruncatedInUse() {
        hostile.close();
        engine.close();
        pool.open().names().forEach(pool.open()::delete);
        start(false);
        int file = Linux.memfd("unsealed", 1 << 16);
        byte[] sound = inflight(2L * REGION_BYTES, 0, QUEUES, RING);
        front.request(FrontEnd.SET_INFLIGHT_FD, sound, file);
        assertThat(hostile.guest.write(0, 4096, 1)).isEqualTo(BlockDriver.OK);
        Linux.truncate(file, 0);
        hostile.guest.driver().write(0, 0, 4096);
        hostile.guest.driver().kick();
        hostile.expectRefusal("FAULT");
        // And before it is used at all.
        front.send(FrontEnd.SET_INFLIGHT_FD, 1, sound, file);
        hostile.expectRefusal("an in-flight file of");
        Linux.close(file);
    }

    /** What is in flight is the front end's to write: nonsense there is the guest's own loss. */
    @Test
    void anInflightFileFullOfNonsense() {
        long seed = Long.getLong("iod.seed", 77L);
        System.out.println("HostileFrontEndTest seed " + seed);
        Random random = new Random(seed);
        int refusals = 0;
        for (int round = 0; round < REGIONS; round++) {
            try (var memory = Mapping.shared(front.inflightDescriptor(), 0, 2L * REGION_BYTES)) {
                // A sound header half of the time, so that the rest is believed.
                int from = random.nextBoolean() ? 12 : 8;
                for (int at = from; at < REGION_BYTES; at++) {
                    if (random.nextInt(3) == 0) {
                        Memory.writeByte(memory.address() + at, random.nextInt());
                    }
                }
            }
            front.disconnect();
            try {
                front.connect();
                hostile.guest.driver().write(0, 0, 4096);
                hostile.guest.driver().kick();
                front.configuration(60);
            } catch (FrontEnd.ClosedByBackEnd | SysException e) {
                refusals++;
            }
            if (round % 10 == 0) {
                hostile.goodGoesOn();
            }
            hostile.startOver();
            hostile.connect();
        }
        System.out.println(REGIONS + " in-flight regions, " + refusals + " refused");
        assertThat(hostile.guest.write(0, 4096, 1)).isEqualTo(BlockDriver.OK);
    }

    @Test
    void randomMessages() {
        long seed = Long.getLong("iod.seed", 5L);
        System.out.println("HostileFrontEndTest seed " + seed);
        int messages = 0;
        int connections = 0;
        try (var fuzz = new MessageFuzz(front, new Random(seed), true)) {
            while (messages < MESSAGES) {
                hostile.startOver();
                messages += fuzz.converse();
                connections++;
                if (connections % 10 == 0) {
                    hostile.goodGoesOn();
                }
            }
        }
        System.out.println(messages + " messages over " + connections + " connections");
        hostile.startOver();
        hostile.connect();
        assertThat(hostile.guest.write(0, 4096, 1)).isEqualTo(BlockDriver.OK);
    }
}
