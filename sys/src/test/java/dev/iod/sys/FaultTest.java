package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;

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
}
