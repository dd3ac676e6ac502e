package dev.iod.eswitch.caches;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.base.LongMap;
import dev.iod.pipeline.Counter;

/**
 * What is known of the paths of packets, a tree for each ingress, so that one tenant's packets
 * cannot push out what was learned of another's. A tree that gets too large, or whose program
 * changed, is forgotten as a whole and learned again; when all together are too large, the largest
 * is. One thread.
 */
public final class PathCache {
    static final int MAX_TREE_SEGMENTS = 4096;
    static final int MAX_SEGMENTS = 65_536;

    /** Ingresses; whoever can send to the underlay can make up any number of them. */
    static final int MAX_TREES = 16_384;

    private final Counters counters;
    private final LongMap<Tree> trees = new LongMap<>();
    private int size;

    private static final class Tree {
        final long ingress;
        final PathNode root = new PathNode();
        int segments;

        Tree(long ingress) {
            this.ingress = ingress;
        }
    }

    public PathCache(Counters counters) {
        this.counters = counters;
    }

    /** Where all paths of an ingress begin. */
    public PathNode root(long ingress) {
        return tree(ingress).root;
    }

    private Tree tree(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree == null) {
            if (trees.size() == MAX_TREES) {
                clear();
                counters.add(Counter.PATHS_FORGOTTEN);
            }
            tree = new Tree(ingress);
            trees.put(ingress, tree);
        }
        return tree;
    }

    /**
     * Adds a segment at a node of an ingress's tree, or forgets the tree when it is full.
     *
     * @return false when it was forgotten
     */
    boolean put(long ingress, PathNode node, long[] key, long[] mask, PathSegment segment) {
        Tree tree = tree(ingress);
        if (size == MAX_SEGMENTS) {
            Tree largest = largest();
            forget(largest.ingress);
            counters.add(Counter.PATHS_FORGOTTEN);
            if (largest == tree) {
                return false;
            }
        }
        if (tree.segments == MAX_TREE_SEGMENTS || !node.put(key, mask, segment)) {
            forget(ingress);
            counters.add(Counter.PATHS_FORGOTTEN);
            return false;
        }
        tree.segments++;
        size++;
        return true;
    }

    private Tree largest() {
        Tree largest = trees.values().getFirst();
        for (Tree tree : trees.values()) {
            if (tree.segments > largest.segments) {
                largest = tree;
            }
        }
        return largest;
    }

    public void forget(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree != null) {
            size -= tree.segments;
            trees.remove(ingress);
        }
    }

    public void clear() {
        trees.clear();
        size = 0;
    }

    /** Segments of all trees. */
    int size() {
        return size;
    }
}
