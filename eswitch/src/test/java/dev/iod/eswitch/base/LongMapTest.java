package dev.iod.eswitch.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Beside the JDK's map. */
final class LongMapTest {
    private static final long SEED = Long.getLong("seed", 8);

    private final LongMap<Long> map = new LongMap<>();
    private final Map<Long, Long> expected = new HashMap<>();

    /** Few numbers, so that most are put, replaced and removed many times in long runs of slots. */
    @Test
    void holdsWhatTheJdksMapHolds() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int step = 0; step < 200_000; step++) {
            long key = random.nextInt(1, 60) * (random.nextBoolean() ? 1L : 1L << 40);
            if (random.nextInt(3) == 0) {
                map.remove(key);
                expected.remove(key);
            } else {
                map.put(key, (long) step);
                expected.put(key, (long) step);
            }
            long other = random.nextInt(60);
            assertThat(map.get(other))
                    .as("seed %s, step %s", SEED, step)
                    .isEqualTo(expected.get(other));
            assertThat(map.size()).isEqualTo(expected.size());
        }
        assertThat(map.values()).containsExactlyInAnyOrderElementsOf(expected.values());
    }

    @Test
    void growsAndEmpties() {
        for (long key = -50_000; key < 50_000; key++) {
            map.put(key << 16, key);
        }
        assertThat(map.size()).isEqualTo(100_000);
        for (long key = -50_000; key < 50_000; key++) {
            assertThat(map.get(key << 16)).isEqualTo(key);
            map.remove(key << 16);
        }
        assertThat(map.size()).isZero();
        assertThat(map.values()).isEmpty();
        map.put(0, 1L);
        map.clear();
        assertThat(map.get(0)).isNull();
    }
}
