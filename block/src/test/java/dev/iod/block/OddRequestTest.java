package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a driver does wrong within one request is that request's error: the ring is clear, so it is
 * answered, and the connection goes on. Where it is not clear what the ring or a chain says, the
 * connection ends.
 */
@Timeout(300)
class OddRequestTest {
    private static final int SEG_MAX = BlockIo.MAX_SEGMENTS;
    private static final int ODD_REQUESTS = Boolean.getBoolean("iod.full") ? 200_000 : 3_000;
    private static final int SECTOR = 512;
    private static final int OUT = 1;

    /** Nothing was written: neither a status nor anything else. */
    private static final int UNTOUCHED = 0xee;

    /** Where things are in the guest's memory, beside the driver's own slots. */
    private static final int TABLE = 0;

    private static final int HEADER = 0x20000;
    private static final int STATUS = 0x21000;
    private static final int DATA = 0x30000;

    @TempDir Path directory;
    private TestPool pool;
    private TestEngine engine;
    private HostileGuest hostile;
    private FrontEnd front;
    private DriverRing ring;

    /** A buffer of a request; the address is an offset from {@link #at}. */
    private record Buffer(int offset, int length, boolean writable) {}

    @BeforeEach
    void start() {
        pool = TestPool.small("odd");
        engine = new TestEngine(pool.open(), directory);
        hostile = new HostileGuest(engine, 1, new byte[0]);
        front = hostile.front;
        ring = front.ring(0);
    }

    @AfterEach
    void stop() {
        hostile.expectGoodUnharmed();
        hostile.close();
        engine.close();
        pool.close();
    }

    private static Buffer read(int offset, int length) {
        return new Buffer(offset, length, false);
    }

    private static Buffer write(int offset, int length) {
        return new Buffer(offset, length, true);
    }

    /** Offset in guest memory of what this test uses: the data of the driver's upper slots. */
    private long at(int offset) {
        return hostile.guest.driver().data(2) - front.host(0) + offset;
    }

    private long guestAt(int offset) {
        return FrontEnd.GUEST_BASE + at(offset);
    }

    private void header(int type, long sector) {
        Memory.writeInt(front.host(at(HEADER)), type);
        Memory.writeInt(front.host(at(HEADER)) + 4, 0);
        Memory.writeLong(front.host(at(HEADER)) + 8, sector);
    }

    private void entry(int index, long address, int length, int flags, int next) {
        long to = front.host(at(TABLE)) + 16L * index;
        Memory.writeLong(to, address);
        Memory.writeLong(
                to + 8, length & 0xffff_ffffL | (long) flags << 32 | (next & 0xffffL) << 48);
    }

    /** Offers a request by an indirect table. */
    private void offerIndirect(List<Buffer> buffers) {
        for (int i = 0; i < buffers.size(); i++) {
            Buffer buffer = buffers.get(i);
            int flags = buffer.writable ? DriverRing.WRITE : 0;
            flags |= i + 1 < buffers.size() ? DriverRing.NEXT : 0;
            entry(i, guestAt(buffer.offset), buffer.length, flags, i + 1);
        }
        ring.describe(0, guestAt(TABLE), 16 * buffers.size(), DriverRing.INDIRECT, 0);
        offer();
    }

    /** Offers a request by a chain in the ring's own table. */
    private void offerChain(List<Buffer> buffers) {
        for (int i = 0; i < buffers.size(); i++) {
            Buffer buffer = buffers.get(i);
            int flags = buffer.writable ? DriverRing.WRITE : 0;
            flags |= i + 1 < buffers.size() ? DriverRing.NEXT : 0;
            ring.describe(i, guestAt(buffer.offset), buffer.length, flags, i + 1);
        }
        offer();
    }

    private void offer() {
        Memory.writeByte(front.host(at(STATUS)), UNTOUCHED);
        ring.offer(0);
        ring.publish();
        ring.kick();
    }

    /** Waits for the answer. @return how many bytes the device says it has written */
    private int answered() {
        long until = System.nanoTime() + 60_000_000_000L;
        while (ring.completed() == 0) {
            assertThat(System.nanoTime() - until).as("an answer in a minute").isNegative();
            LockSupport.parkNanos(10_000);
        }
        long entry = ring.take();
        assertThat(entry & 0xffff).isZero();
        return (int) (entry >>> 32);
    }

    private int status() {
        return Memory.readByte(front.host(at(STATUS)));
    }

    /** A WRITE of so many data buffers of 512 bytes each, and what surrounds them. */
    private static List<Buffer> writeOf(int segments) {
        List<Buffer> buffers = new ArrayList<>();
        buffers.add(read(HEADER, 16));
        for (int i = 0; i < segments; i++) {
            buffers.add(read(DATA + SECTOR * i, SECTOR));
        }
        buffers.add(write(STATUS, 1));
        return buffers;
    }

    private void serves() {
        assertThat(hostile.guest.write(0, 4096, 1)).isEqualTo(BlockDriver.OK);
    }

    @Test
    void moreBuffersThanSegMaxFailThatRequest() {
        header(OUT, 0);
        Memory.fill(front.host(at(DATA)), 200 * SECTOR, 7);
        for (int segments : new int[] {SEG_MAX - 1, SEG_MAX, SEG_MAX + 1, SEG_MAX + 2}) {
            offerIndirect(writeOf(segments));
            assertThat(answered()).isEqualTo(1);
            assertThat(status()).as("%d segments", segments).isEqualTo(BlockDriver.OK);
        }
        // 131 entries, and as many as a table may have.
        for (int segments : new int[] {SEG_MAX + 3, SEG_MAX + 4, 1000, 4094}) {
            Memory.fill(front.host(at(DATA)), SECTOR, 9);
            offerIndirect(writeOf(segments));
            assertThat(answered()).isEqualTo(1);
            assertThat(status()).as("%d segments", segments).isEqualTo(BlockDriver.IO_ERROR);
        }
        assertThat(hostile.guest.read(0, SECTOR)).as("nothing was written").containsOnly(7);
        assertThat(engine.device("evil").count(VolumeCounter.REFUSED)).isEqualTo(4);
        serves();
    }

    @Test
    void requestsThatLackSomethingFail() {
        header(OUT, 0);
        for (List<Buffer> odd :
                List.of(
                        List.of(read(HEADER, 15), write(STATUS, 1)),
                        List.of(write(STATUS, 1)),
                        List.of(write(DATA, 100), write(STATUS, 1)),
                        // Something to read behind something to write (virtio 1.2 §2.7.4.2).
                        List.of(write(DATA, 512), read(HEADER, 16), write(STATUS, 1)),
                        List.of(
                                read(HEADER, 16),
                                write(DATA, 512),
                                read(DATA, 1),
                                write(STATUS, 1)),
                        List.of(read(HEADER, 16), write(STATUS, 1), read(DATA, 512)))) {
            offerChain(odd);
            assertThat(answered()).as("%s", odd).isEqualTo(1);
            assertThat(status()).as("%s", odd).isEqualTo(BlockDriver.IO_ERROR);
            offerIndirect(odd);
            assertThat(answered()).as("%s", odd).isEqualTo(1);
            assertThat(status()).as("%s", odd).isEqualTo(BlockDriver.IO_ERROR);
        }
        // No byte to say it in: handed back with nothing written.
        for (List<Buffer> mute :
                List.of(
                        List.of(read(HEADER, 16)),
                        List.of(read(HEADER, 16), read(DATA, 512)),
                        List.of(read(HEADER, 16), write(STATUS, 0)),
                        List.of(read(HEADER, 0)))) {
            offerChain(mute);
            assertThat(answered()).as("%s", mute).isZero();
            assertThat(status()).isEqualTo(UNTOUCHED);
        }
        serves();
    }

    /** Random shapes of one request on a sound ring: each is answered, once, on one connection. */
    @Test
    void whateverTheShapeItIsAnswered() {
        long seed = Long.getLong("iod.seed", 131L);
        System.out.println("OddRequestTest seed " + seed);
        Random random = new Random(seed);
        int[] statuses = new int[256];
        for (int i = 0; i < ODD_REQUESTS; i++) {
            header(random.nextInt(14), random.nextInt(3) == 0 ? random.nextLong() : 8);
            List<Buffer> buffers = new ArrayList<>();
            if (random.nextInt(8) != 0) {
                buffers.add(read(HEADER, random.nextInt(4) == 0 ? random.nextInt(20) : 16));
            }
            int most = random.nextInt(8) == 0 ? 300 : 8;
            for (int left = random.nextInt(most); left > 0; left--) {
                int length = random.nextInt(3) == 0 ? random.nextInt(1000) : SECTOR;
                buffers.add(new Buffer(DATA + random.nextInt(1000), length, random.nextBoolean()));
            }
            buffers.add(write(STATUS, 1));
            if (buffers.size() <= ring.size() && random.nextBoolean()) {
                offerChain(buffers);
            } else {
                offerIndirect(buffers);
            }
            assertThat(answered()).isPositive();
            assertThat(status()).as("%s", buffers).isIn(0, 1, 2);
            statuses[status()]++;
        }
        System.out.printf(
                "%d served, %d errors, %d unsupported%n", statuses[0], statuses[1], statuses[2]);
        assertThat(statuses[BlockDriver.OK]).isGreaterThan(ODD_REQUESTS / 50);
        assertThat(statuses[BlockDriver.IO_ERROR]).isGreaterThan(ODD_REQUESTS / 10);
        assertThat(statuses[BlockDriver.UNSUPPORTED]).isGreaterThan(ODD_REQUESTS / 50);
        serves();
    }

    private void hostileTable(String reason, Runnable table, int bytes) {
        header(OUT, 0);
        table.run();
        ring.describe(0, guestAt(TABLE), bytes, DriverRing.INDIRECT, 0);
        offer();
        hostile.expectRefusal(reason);
    }

    @Test
    void tablesThatSayNothingClearEndTheConnection() {
        int next = DriverRing.NEXT;
        hostileTable("longer than its table", () -> entry(0, guestAt(HEADER), 16, next, 0), 32);
        hostileTable("has index 2", () -> entry(0, guestAt(HEADER), 16, next, 2), 32);
        hostileTable(
                "an indirect descriptor",
                () -> entry(0, guestAt(TABLE), 32, DriverRing.INDIRECT, 0),
                32);
        hostileTable("has bytes 0", () -> {}, 0);
        hostileTable("has bytes 33", () -> {}, 33);
        hostileTable("has bytes 65552", () -> {}, 16 * 4097);
        hostileTable("are no memory", () -> entry(0, 16, 16, 0, 0), 32);
        hostileTable("are no memory", () -> entry(0, guestAt(HEADER), -1, 0, 0), 32);
        ring.describe(0, 16, 32, DriverRing.INDIRECT, 0);
        offer();
        hostile.expectRefusal("are no memory");
        ring.describe(0, guestAt(TABLE), 32, DriverRing.INDIRECT | next, 1);
        offer();
        hostile.expectRefusal("an indirect descriptor");
    }

    @Test
    void ringsThatSayNothingClearEndTheConnection() {
        header(OUT, 0);
        ring.describe(0, guestAt(HEADER), 16, DriverRing.NEXT, 0);
        offer();
        hostile.expectRefusal("longer than its table");
        ring.describe(0, guestAt(HEADER), 16, DriverRing.NEXT, ring.size());
        offer();
        hostile.expectRefusal("a chained descriptor has index");
        ring.offer(ring.size());
        ring.publish();
        ring.kick();
        hostile.expectRefusal("a head descriptor has index");
        ring.publishIndex(ring.availIndex() + ring.size() + 1);
        ring.kickDescriptor().signal();
        hostile.expectRefusal("runs 33 ahead");
        hostile.inject(b -> b.hold(Operation.FLUSH));
        hostile.guest.driver().flush(0);
        hostile.guest.driver().ring().offer(0);
        hostile.guest.driver().kick();
        front.awaitClosed();
        hostile.inject(InjectingBackend::release);
        hostile.expectRefusal("that is in flight");
    }
}
