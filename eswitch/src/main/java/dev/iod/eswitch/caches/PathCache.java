package dev.iod.eswitch.caches;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.base.LongMap;
import dev.iod.pipeline.Counter;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the paths of packets, a tree for each ingress, so that one tenant's packets
 * cannot push out what was learned of another's. A tree that gets too large, or whose program
 * changed, is emptied and learned again. When all together hold too many segments, one of the
 * largest is emptied; when there are too many trees, the oldest of the smallest is removed. Each of
 * these takes the time of one look-up, whatever strangers fill the cache with. One thread.
 */
public final class PathCache {
    static final int MAX_TREE_SEGMENTS = 4096;
    static final int MAX_SEGMENTS = 65_536;

    /** Ingresses; whoever can send to the underlay can make up any number of them. */
    static final int MAX_TREES = 16_384;

    private final Counters counters;
    private final LongMap<Tree> trees = new LongMap<>();

    /** Trees by the number of bits of their number of segments: 0, 1, 2 to 3, 4 to 7, … */
    private final Line[] bySize = new Line[sizeClass(MAX_TREE_SEGMENTS) + 1];

    private int size;

    private static final class Tree {
        final long ingress;
        PathNode root = new PathNode();
        int segments;
        @Nullable Tree before;
        @Nullable Tree after;

        Tree(long ingress) {
            this.ingress = ingress;
        }
    }

    /** Trees in the order they came in. */
    private static final class Line {
        @Nullable Tree first;
        @Nullable Tree last;

        void add(Tree tree) {
            tree.before = last;
            tree.after = null;
            if (last == null) {
                first = tree;
            } else {
                last.after = tree;
            }
            last = tree;
        }

        void remove(Tree tree) {
            if (tree.before == null) {
                first = tree.after;
            } else {
                tree.before.after = tree.after;
            }
            if (tree.after == null) {
                last = tree.before;
            } else {
                tree.after.before = tree.before;
            }
        }
    }

    public PathCache(Counters counters) {
        this.counters = counters;
        for (int i = 0; i < bySize.length; i++) {
            bySize[i] = new Line();
        }
    }

    private static int sizeClass(int segments) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(segments);
    }

    /** Where all paths of an ingress begin. */
    public PathNode root(long ingress) {
        return tree(ingress).root;
    }

    private Tree tree(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree == null) {
            if (trees.size() == MAX_TREES) {
                counters.add(Counter.PATHS_FORGOTTEN);
                remove(oldestOfSmallest());
            }
            tree = new Tree(ingress);
            trees.put(ingress, tree);
            bySize[0].add(tree);
        }
        return tree;
    }

    /**
     * Adds a segment at a node of an ingress's tree, or empties the tree when it is full.
     *
     * @return false when it was emptied
     */
    public boolean put(long ingress, PathNode node, long[] key, long[] mask, PathSegment segment) {
        Tree tree = tree(ingress);
        if (size == MAX_SEGMENTS) {
            Tree largest = oneOfLargest();
            counters.add(Counter.PATHS_FORGOTTEN);
            empty(largest);
            if (largest == tree) {
                return false;
            }
        }
        if (tree.segments == MAX_TREE_SEGMENTS || !node.put(key, mask, segment)) {
            counters.add(Counter.PATHS_FORGOTTEN);
            empty(tree);
            return false;
        }
        resize(tree, tree.segments + 1);
        return true;
    }

    private Tree oneOfLargest() {
        for (int i = bySize.length - 1; i >= 0; i--) {
            Tree first = bySize[i].first;
            if (first != null) {
                return first;
            }
        }
        throw new AssertionError("a cache without a tree is full");
    }

    private Tree oldestOfSmallest() {
        for (Line line : bySize) {
            if (line.first != null) {
                return line.first;
            }
        }
        throw new AssertionError("a cache with too many trees has none");
    }

    private void resize(Tree tree, int segments) {
        Line from = bySize[sizeClass(tree.segments)];
        Line to = bySize[sizeClass(segments)];
        size += segments - tree.segments;
        tree.segments = segments;
        if (from != to) {
            from.remove(tree);
            to.add(tree);
        }
    }

    private void empty(Tree tree) {
        tree.root = new PathNode();
        resize(tree, 0);
    }

    private void remove(Tree tree) {
        empty(tree);
        bySize[0].remove(tree);
        trees.remove(tree.ingress);
    }

    /** Empties the tree of an ingress: its program changed. */
    public void forget(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree != null) {
            empty(tree);
        }
    }

    /** Removes every tree. */
    public void clear() {
        trees.values().forEach(this::remove);
    }

    /** Segments of all trees. */
    int size() {
        return size;
    }
}
