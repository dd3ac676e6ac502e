package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The ring against real files. */
@Timeout(60)
class IoUringTest {
    private static final int BLOCK = 4096;

    @TempDir Path directory;
    private final IoUring ring = IoUring.open(8);
    private final Mapping memory = Mapping.anonymous(64 * BLOCK);
    private int file;

    @BeforeEach
    void open() {
        file = Linux.open(directory.resolve("f"), Linux.O_RDWR | Linux.O_CREAT | Linux.O_DIRECT);
        Linux.truncate(file, 64 * BLOCK);
    }

    @AfterEach
    void close() {
        Linux.close(file);
        ring.close();
        memory.close();
    }

    private long block(int index) {
        return memory.address() + (long) index * BLOCK;
    }

    /** Waits for {@code count} completions. */
    private Map<Long, Integer> results(int count) {
        Map<Long, Integer> results = new HashMap<>();
        while (results.size() < count) {
            ring.await(-1);
            while (ring.hasCompletion()) {
                results.put(ring.token(), ring.result());
                ring.advance();
            }
        }
        return results;
    }

    private int result(long token) {
        return results(1).getOrDefault(token, Integer.MIN_VALUE);
    }

    @Test
    void moreEntriesThanTheRingHoldsAllComplete() {
        for (int i = 0; i < 20; i++) {
            Memory.fill(block(i), BLOCK, i + 1);
            ring.write(file, (long) i * BLOCK, block(i), BLOCK, i % 2 == 0, i);
        }
        assertThat(results(20).values()).containsOnly(BLOCK).hasSize(20);
        for (int i = 0; i < 20; i++) {
            ring.read(file, (long) i * BLOCK, block(20 + i), BLOCK, i);
        }
        assertThat(results(20).values()).containsOnly(BLOCK);
        for (int i = 0; i < 20; i++) {
            assertThat(Memory.readByte(block(20 + i) + 17)).isEqualTo(i + 1);
        }
    }

    @Test
    void vectorsGatherAndScatter() {
        long vectors = block(63);
        for (int i = 0; i < 2; i++) {
            Memory.fill(block(i), BLOCK, 7 + i);
            Memory.writeLong(vectors + 16L * i, block(1 - i));
            Memory.writeLong(vectors + 16L * i + 8, BLOCK);
        }
        ring.writeVector(file, 0, vectors, 2, false, 1);
        assertThat(result(1)).isEqualTo(2 * BLOCK);
        ring.dataSync(file, 2);
        assertThat(result(2)).isZero();
        ring.read(file, 0, block(8), BLOCK, 3);
        assertThat(result(3)).isEqualTo(BLOCK);
        assertThat(Memory.readByte(block(8))).isEqualTo(8);
        Memory.writeLong(vectors, block(4));
        ring.readVector(file, 4096, vectors, 1, 4);
        assertThat(result(4)).isEqualTo(BLOCK);
        assertThat(Memory.readByte(block(4))).isEqualTo(7);
    }

    @Test
    void aRegisteredBufferIsUsed() {
        ring.registerBuffer(memory.address(), memory.lengthBytes());
        Memory.fill(block(1), BLOCK, 42);
        ring.writeFixed(file, 0, block(1), BLOCK, true, 1);
        assertThat(result(1)).isEqualTo(BLOCK);
        ring.readFixed(file, 0, block(2), BLOCK, 2);
        assertThat(result(2)).isEqualTo(BLOCK);
        assertThat(Memory.readByte(block(2) + 4095)).isEqualTo(42);
    }

    @Test
    void aPunchedHoleReadsAsZerosAndFreesSpace() {
        Memory.fill(block(0), BLOCK, 1);
        ring.write(file, 0, block(0), BLOCK, true, 1);
        assertThat(result(1)).isEqualTo(BLOCK);
        long before = Linux.status(file).allocatedBytes();
        int mode = Linux.FALLOCATE_PUNCH_HOLE | Linux.FALLOCATE_KEEP_SIZE;
        ring.fallocate(file, mode, 0, BLOCK, 2);
        assertThat(result(2)).isZero();
        assertThat(Linux.status(file).allocatedBytes()).isLessThan(before);
        assertThat(Linux.status(file).sizeBytes()).isEqualTo(64 * BLOCK);
        ring.read(file, 0, block(0), BLOCK, 3);
        assertThat(result(3)).isEqualTo(BLOCK);
        assertThat(Memory.readLong(block(0))).isZero();
    }

    @Test
    void errorsAreResultsOfTheirEntryAlone() {
        ring.read(-1, 0, block(0), BLOCK, 1);
        ring.fallocate(file, 0, -1, BLOCK, 2);
        ring.read(file, 0, block(0), BLOCK, 3);
        assertThat(results(3))
                .containsEntry(1L, -Errno.EBADF)
                .containsEntry(2L, -Errno.EINVAL)
                .containsEntry(3L, BLOCK);
    }

    @Test
    void waitsForADescriptorOrTheTime() {
        try (EventFd event = EventFd.create()) {
            ring.pollReadable(event.fd(), 1);
            ring.await(1_000_000);
            assertThat(ring.hasCompletion()).isFalse();
            event.signal();
            assertThat(result(1)).isEqualTo(1);
            event.drain();
            ring.pollReadable(event.fd(), 2);
            ring.cancel(2, 3);
            assertThat(results(2)).containsEntry(2L, -Errno.ECANCELED).containsEntry(3L, 0);
        }
        ring.nop(9);
        assertThat(ring.queued()).isEqualTo(1);
        assertThat(result(9)).isZero();
    }

    @Test
    void whoPollsLearnsOfCompletionsThatWaitInTheKernel() {
        try (EventFd event = EventFd.create()) {
            ring.pollReadable(event.fd(), 5);
            ring.submit();
            assertThat(ring.workPending()).isFalse();
            event.signal();
            assertThat(ring.hasCompletion()).isFalse();
            assertThat(ring.workPending()).isTrue();
            ring.submit();
            assertThat(ring.hasCompletion()).isTrue();
            assertThat(ring.token()).isEqualTo(5);
        }
    }

    @Test
    void badSizesAreRefused() {
        assertThatThrownBy(() -> IoUring.open(3)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void filesAreReservedSyncedAndCloned() throws Exception {
        Linux.fallocate(file, 0, 0, 128 * BLOCK);
        Linux.fsync(file);
        Linux.fsync(directory);
        assertThat(Linux.status(file).sizeBytes()).isEqualTo(128 * BLOCK);
        assertThat(Linux.status(file).allocatedBytes()).isGreaterThanOrEqualTo(128 * BLOCK);
        int to = Linux.open(directory.resolve("clone"), Linux.O_RDWR | Linux.O_CREAT);
        try {
            Linux.reflink(file, to);
            assertThat(Files.size(directory.resolve("clone"))).isEqualTo(128 * BLOCK);
        } catch (SysException e) {
            assertThat(e.errno()).as("a file system without reflinks").isEqualTo(Errno.EOPNOTSUPP);
        } finally {
            Linux.close(to);
        }
    }
}
