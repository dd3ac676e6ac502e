package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every write whose flush was answered survives a power cut, untorn. The cut is XFS's own shutdown,
 * which stops all writing at once, the log included; so this covers file system metadata and the
 * page cache, and not the caches of drives.
 */
@Timeout(600)
class PowerCutTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int ROUNDS = FULL ? 60 : 4;
    private static final int BLOCKS = 256;
    private static final long VOLUME_BYTES = 8 << 20;

    @TempDir Path directory;

    @Test
    void whatWasFlushedSurvives() {
        long seed = Long.getLong("iod.seed", 20251L);
        System.out.println("PowerCutTest seed " + seed);
        try (TestPool pool = TestPool.small("power")) {
            for (int round = 0; round < ROUNDS; round++) {
                // Thin volumes write file system metadata all the time, thick ones at first.
                List<String> lost =
                        round(pool, seed + round, round % 2 == 0, false, 4096, new byte[0]);
                assertThat(lost).as("round %d of seed %d", round, seed).isEmpty();
            }
        }
    }

    /** Sectors, of which the storage writes eight at once: nothing beside one is lost with it. */
    @Test
    void sectorsThatWereFlushedSurvive() {
        long seed = Long.getLong("iod.seed", 512L);
        System.out.println("PowerCutTest seed " + seed);
        try (TestPool pool = TestPool.small("power-sectors")) {
            for (int round = 0; round < ROUNDS; round++) {
                byte[] key = round % 2 == 0 ? new byte[0] : TestEngine.key(round);
                List<String> lost = round(pool, seed + round, true, false, 512, key);
                assertThat(lost).as("round %d of seed %d", round, seed).isEmpty();
            }
        }
    }

    /** The test can fail: an engine that answers a flush without syncing loses writes. */
    @Test
    void aBuildThatDoesNotSyncIsFoundOut() {
        try (TestPool pool = TestPool.small("power-broken")) {
            int found = 0;
            // The file system writes its log now and then by itself: once may be lucky.
            for (int seed = 0; seed < 5 && found == 0; seed++) {
                found = round(pool, seed, true, true, 4096, new byte[0]).size();
            }
            assertThat(found).as("blocks lost without a sync").isPositive();
        }
    }

    private List<String> round(
            TestPool pool, long seed, boolean thin, boolean broken, int writtenBytes, byte[] key) {
        String name = "v" + seed;
        StampedLoad load = new StampedLoad(seed, writtenBytes, BLOCKS, Guest.SLOTS);
        TestEngine engine = new TestEngine(pool.open(), directory, "state-" + broken + seed);
        try (engine) {
            engine.blockBytes(4096);
            engine.engine.run(new Command.Create(name, VOLUME_BYTES, thin));
            try (Guest guest = engine.attach(name, 1, Limits.NONE, key)) {
                if (broken) {
                    engine.inject(name, InjectingBackend::swallowFlushes);
                }
                load.until(
                        guest.driver(),
                        true,
                        () -> load.flushesAnswered >= 12 && load.writesAnswered >= 100);
                pool.cutPower();
                load.until(guest.driver(), false, load::quiet);
            }
        }
        pool.unmount();
        pool.mount();
        // Power is back: nothing in memory has survived, the state directory included.
        try (TestEngine after = new TestEngine(pool.open(), directory, "after-" + broken + seed);
                Guest guest = after.attach(name, 1, Limits.NONE, key)) {
            return load.lostAfterPowerCut(guest);
        }
    }
}
