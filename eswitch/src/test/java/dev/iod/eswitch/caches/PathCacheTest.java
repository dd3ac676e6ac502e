package dev.iod.eswitch.caches;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.base.Counters;
import dev.iod.pipeline.Counter;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What happens at the bounds of the cache. */
final class PathCacheTest {
    private final Counters counters = new Counters();
    private final PathCache cache = new PathCache(counters);

    private boolean put(long ingress, long value) {
        long[] key = new long[PathNode.WORDS];
        long[] mask = new long[PathNode.WORDS];
        key[1] = value;
        Arrays.fill(mask, -1);
        PathSegment segment = new PathSegment(new Validity.Collector(1), 1, new PathStep[0], null);
        return cache.put(ingress, cache.root(ingress), key, mask, segment);
    }

    private boolean knows(long ingress, long value) {
        long[] key = new long[PathNode.WORDS];
        key[1] = value;
        return cache.root(ingress).find(key) != null;
    }

    @Test
    void aTreeThatIsFullForgetsItselfOnly() {
        put(1, 5);
        for (int i = 0; i <= PathCache.MAX_TREE_SEGMENTS; i++) {
            assertThat(put(2, i)).isEqualTo(i < PathCache.MAX_TREE_SEGMENTS);
        }
        assertThat(cache.size()).isEqualTo(1);
        assertThat(knows(1, 5)).isTrue();
        assertThat(knows(2, 5)).isFalse();
    }

    @Test
    void manyWhoFillTheCachePushOutTheLargest() {
        put(0, 5);
        int trees = 2 * PathCache.MAX_SEGMENTS / PathCache.MAX_TREE_SEGMENTS;
        for (int i = 0; i < PathCache.MAX_TREE_SEGMENTS; i++) {
            for (int tree = 1; tree <= trees; tree++) {
                put(tree, i);
            }
        }
        assertThat(cache.size()).isLessThanOrEqualTo(PathCache.MAX_SEGMENTS);
        assertThat(knows(0, 5)).isTrue();
        assertThat(counters.count(Counter.PATHS_FORGOTTEN)).isPositive();
    }

    @Test
    void ingressesThatAreMadeUpAreBounded() {
        for (int i = 0; i <= PathCache.MAX_TREES; i++) {
            cache.root(i);
        }
        assertThat(counters.count(Counter.PATHS_FORGOTTEN)).isEqualTo(1);
    }

    /** Whoever makes ingresses up pushes out others that are made up, not what is in use. */
    @Test
    void madeUpIngressesLeaveTheTreesThatAreUsed() {
        put(-1, 5);
        for (int i = 0; i < 3 * PathCache.MAX_TREES; i++) {
            cache.root(i);
        }
        assertThat(knows(-1, 5)).isTrue();
    }

    /** A changed program makes every tree stale at once; each is emptied when it is met. */
    @Test
    void tenThousandStaleTreesAreForgottenAndLearnedAgain() {
        int trees = 10_000;
        for (int tree = 0; tree < trees; tree++) {
            put(tree, 5);
        }
        for (int tree = 0; tree < trees; tree++) {
            cache.forget(tree);
            assertThat(knows(tree, 5)).isFalse();
            put(tree, 6);
        }
        assertThat(cache.size()).isEqualTo(trees);
        for (int tree = 0; tree < trees; tree++) {
            assertThat(knows(tree, 6)).isTrue();
            cache.forget(tree);
        }
        assertThat(cache.size()).isZero();
    }

    /** One of the largest means: of those that no other is more than twice as large as. */
    @Test
    void aFullCacheEmptiesATreeAtLeastHalfAsLargeAsAnyOther() {
        int largest = 1000;
        for (int i = 0; i < largest; i++) {
            put(-1, i);
        }
        int small = 0;
        while (counters.count(Counter.PATHS_FORGOTTEN) == 0) {
            put(small++ / 400, small);
        }
        assertThat(knows(-1, 0)).isFalse();
        assertThat(knows(0, 1)).isTrue();
    }
}
