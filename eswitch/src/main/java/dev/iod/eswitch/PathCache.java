package dev.iod.eswitch;

/**
 * What is known of the paths of packets, a tree for each ingress, so that one tenant's packets
 * cannot push out what was learned of another's. A tree that gets too large, or whose program
 * changed, is forgotten as a whole and learned again. One thread.
 */
final class PathCache {
    static final int MAX_TREE_SEGMENTS = 4096;
    static final int MAX_SEGMENTS = 65_536;

    private final Counters counters;
    private final LongMap<Tree> trees = new LongMap<>();
    private int size;

    private static final class Tree {
        final PathNode root = new PathNode();
        int segments;
    }

    PathCache(Counters counters) {
        this.counters = counters;
    }

    /** Where all paths of an ingress begin. */
    PathNode root(long ingress) {
        return tree(ingress).root;
    }

    private Tree tree(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree == null) {
            tree = new Tree();
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
        if (size == MAX_SEGMENTS) {
            clear();
            counters.add(Counter.PATHS_FORGOTTEN);
            return false;
        }
        Tree tree = tree(ingress);
        if (tree.segments == MAX_TREE_SEGMENTS || !node.put(key, mask, segment)) {
            forget(ingress);
            counters.add(Counter.PATHS_FORGOTTEN);
            return false;
        }
        tree.segments++;
        size++;
        return true;
    }

    void forget(long ingress) {
        Tree tree = trees.get(ingress);
        if (tree != null) {
            size -= tree.segments;
            trees.remove(ingress);
        }
    }

    void clear() {
        trees.clear();
        size = 0;
    }

    /** Segments of all trees. */
    int size() {
        return size;
    }
}
