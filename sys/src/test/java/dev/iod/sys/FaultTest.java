package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A shared file that is truncated by its other owner raises InternalError, not a crash. */
class FaultTest {
    private static final int BYTES = 64 * 1024;

    /** Interpreted, then compiled by both compilers: the JVM handles the fault differently. */
    @Test
    void truncatedMemoryFaultsAreCaughtAtTheEdge() {
        for (int round = 0; round < 30; round++) {
            int memfd = Linux.memfd("shrinks", BYTES);
            try (var mapping = Mapping.shared(memfd, 0, BYTES);
                    var target = Mapping.anonymous(BYTES)) {
                for (int i = 0; i < 2_000; i++) {
                    assertThat(faults(mapping.address(), target.address())).isFalse();
                }
                Linux.truncate(memfd, 0);
                assertThat(faults(mapping.address(), target.address())).isTrue();
            }
            Linux.close(memfd);
        }
    }

    private static boolean faults(long from, long to) {
        try {
            Memory.copy(from, to, 64);
            Memory.copy(from + 8192, to, 1500);
            Memory.readShortAcquire(from + 4096);
            Memory.settleFaults();
            return false;
        } catch (InternalError e) {
            return true;
        }
    }

    /** Every way to write: a loop, the bulk copy, ordered stores, a fill, a whole array. */
    @Test
    void soAreThoseOfWrites() {
        byte[] bytes = new byte[1500];
        List<Consumer<Long>> writes =
                List.of(
                        at -> Memory.writeByte(at, 1),
                        at -> Memory.writeLong(at, 1),
                        at -> Memory.writeShortRelease(at, 1),
                        at -> Memory.writeIntRelease(at, 1),
                        at -> Memory.copy(at + 8192, at, 64),
                        at -> Memory.copy(at + 8192, at, 1500),
                        at -> Memory.copyFromArray(bytes, 0, at, bytes.length),
                        at -> Memory.fill(at, 4096, 7));
        for (int round = 0; round < 10; round++) {
            int memfd = Linux.memfd("shrinks", BYTES);
            try (var mapping = Mapping.shared(memfd, 0, BYTES)) {
                for (Consumer<Long> write : writes) {
                    for (int i = 0; i < 2_000; i++) {
                        assertThat(faults(write, mapping.address())).isFalse();
                    }
                }
                Linux.truncate(memfd, 0);
                for (Consumer<Long> write : writes) {
                    assertThat(faults(write, mapping.address())).isTrue();
                }
            }
            Linux.close(memfd);
        }
    }

    private static boolean faults(Consumer<Long> write, long address) {
        try {
            write.accept(address);
            Memory.settleFaults();
            return false;
        } catch (InternalError e) {
            return true;
        }
    }
}
