package dev.iod.eswitch.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The persistent map against the one of the JDK. */
final class PersistentMapTest {
    private static final long SEED = 20261129;

    /** Many keys of one hash. */
    private record Key(int number) {
        @Override
        public int hashCode() {
            return number % 7 == 0 ? 1 : number;
        }
    }

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void isAMapAndOldOnesStay() {
        PersistentMap<Key, Integer> map = PersistentMap.empty();
        Map<Key, Integer> twin = new HashMap<>();
        for (int step = 0; step < 20_000; step++) {
            PersistentMap<Key, Integer> before = map;
            Map<Key, Integer> beforeTwin = step % 500 == 0 ? Map.copyOf(twin) : Map.of();
            for (int i = 0; i < random.nextInt(4); i++) {
                Key key = new Key(random.nextInt(step < 10_000 ? 3000 : 20));
                if (random.nextInt(3) == 0) {
                    map = map.without(key);
                    twin.remove(key);
                } else {
                    map = map.with(key, step);
                    twin.put(key, step);
                }
                assertThat(map.get(key)).isEqualTo(twin.get(key));
            }
            assertThat(map.size()).isEqualTo(twin.size());
            if (step % 500 == 0) {
                assertThat(copy(map)).isEqualTo(twin);
                assertThat(copy(before)).isEqualTo(beforeTwin);
                assertThat(difference(before, map)).isEqualTo(difference(beforeTwin, twin));
            }
        }
        for (Key key : Set.copyOf(twin.keySet())) {
            map = map.without(key);
        }
        assertThat(copy(map)).isEmpty();
        assertThat(map.get(new Key(1))).isNull();
    }

    @Test
    void theDifferenceOfTwoMapsIsWhatDiffers() {
        for (int round = 0; round < 300; round++) {
            PersistentMap<Key, Integer> a = PersistentMap.empty();
            Map<Key, Integer> aTwin = new HashMap<>();
            for (int i = 0; i < random.nextInt(200); i++) {
                Key key = new Key(random.nextInt(300));
                a = a.with(key, i);
                aTwin.put(key, i);
            }
            PersistentMap<Key, Integer> b = a;
            Map<Key, Integer> bTwin = new HashMap<>(aTwin);
            for (int i = 0; i < random.nextInt(50); i++) {
                Key key = new Key(random.nextInt(300));
                boolean put = random.nextBoolean();
                b = put ? b.with(key, -1) : b.without(key);
                if (put) {
                    bTwin.put(key, -1);
                } else {
                    bTwin.remove(key);
                }
            }
            assertThat(difference(a, b)).isEqualTo(difference(aTwin, bTwin));
            assertThat(difference(b, a)).isEqualTo(difference(aTwin, bTwin));
        }
    }

    private static Map<Key, Integer> copy(PersistentMap<Key, Integer> map) {
        Map<Key, Integer> copy = new HashMap<>();
        map.forEach(copy::put);
        return copy;
    }

    private static Set<Key> difference(
            PersistentMap<Key, Integer> a, PersistentMap<Key, Integer> b) {
        Set<Key> keys = new HashSet<>();
        PersistentMap.difference(a, b, key -> assertThat(keys.add(key)).isTrue());
        return keys;
    }

    private static Set<Key> difference(Map<Key, Integer> a, Map<Key, Integer> b) {
        Set<Key> keys = new HashSet<>(a.keySet());
        keys.addAll(b.keySet());
        keys.removeIf(key -> a.containsKey(key) && a.get(key).equals(b.get(key)));
        return keys;
    }
}
