package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.Memory;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.DriverRing;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A guest with one disk. One thread. */
final class Guest implements AutoCloseable {
    static final int DATA_BYTES = 1 << 20;
    private static final int RING = 32;

    /** Requests a ring takes at once, three descriptors each. */
    static final int SLOTS = RING / 3;

    final FrontEnd frontEnd;
    private final List<BlockDriver> drivers = new ArrayList<>();

    Guest(Path socket, int queues) {
        this(socket, queues, RING, DATA_BYTES);
    }

    Guest(Path socket, int queues, int ringSize, int dataBytes) {
        this(socket, queues, ringSize, dataBytes, true);
    }

    /** Its memory is not sealed: it can be truncated. */
    static Guest loose(Path socket) {
        return new Guest(socket, 1, RING, DATA_BYTES, false);
    }

    private Guest(Path socket, int queues, int ringSize, int dataBytes, boolean sealed) {
        frontEnd =
                new FrontEnd(
                        new FrontEnd.Options(
                                socket,
                                queues,
                                ringSize,
                                BlockDriver.memoryBytes(queues, ringSize, dataBytes),
                                sealed));
        for (int i = 0; i < queues; i++) {
            drivers.add(new BlockDriver(frontEnd, i, dataBytes));
        }
    }

    BlockDriver driver(int queue) {
        return drivers.get(queue);
    }

    BlockDriver driver() {
        return drivers.getFirst();
    }

    /** Waits for the answer to the only request under way in a queue. @return its status */
    int await(BlockDriver driver, int slot) {
        driver.kick();
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!driver.hasAnswer()) {
            assertThat(System.nanoTime() - until).as("an answer in a minute").isNegative();
            LockSupport.parkNanos(20_000);
        }
        assertThat(driver.take()).isEqualTo(slot);
        return driver.status(slot);
    }

    int write(long offset, int length, int value) {
        Memory.fill(driver().data(0), length, value);
        driver().write(0, offset, length);
        return await(driver(), 0);
    }

    int writeBytes(long offset, byte[] bytes) {
        Memory.copyFromArray(bytes, 0, driver().data(0), bytes.length);
        driver().write(0, offset, bytes.length);
        return await(driver(), 0);
    }

    /** Reads; a failure is an assertion. */
    byte[] read(long offset, int length) {
        assertThat(tryRead(offset, length)).isEqualTo(BlockDriver.OK);
        byte[] bytes = new byte[length];
        Memory.copyToArray(driver().data(1), bytes, 0, length);
        return bytes;
    }

    int tryRead(long offset, int length) {
        Memory.fill(driver().data(1), length, 0xaa);
        driver().read(1, offset, length);
        return await(driver(), 1);
    }

    /** Offers a read of slot 4 from the start of the disk to an odd address; does not wait. */
    void misalignedRead(int length) {
        driver().read(4, 0, length);
        driver().ring()
                .describe(
                        13,
                        FrontEnd.GUEST_BASE + (driver().data(4) - frontEnd.host(0)) + 1,
                        length,
                        DriverRing.NEXT | DriverRing.WRITE,
                        14);
        driver().kick();
    }

    int flush() {
        driver().flush(2);
        return await(driver(), 2);
    }

    int range(int type, long offset, long length, boolean unmap) {
        driver().range(3, type, offset, length, unmap);
        return await(driver(), 3);
    }

    @Override
    public void close() {
        frontEnd.close();
    }
}
