package dev.iod.eswitch.connections;

import java.util.Arrays;

/**
 * Rows of a {@link ConnectionTable} by the hash of their tuples: chains, at most as long on average
 * as connections are translated or not, one or one half. A row has up to two entries. When both its
 * tuples belong into one chain, as those do that mirror each other, one entry stands for both: who
 * follows a chain compares both tuples of each row. Made anew when the table is opened. Engine
 * thread only.
 */
final class TupleIndex {
    static final int NONE = ConnectionTable.NONE;

    private final int[] heads;

    /** Entry 2 × row is of the original tuple, 2 × row + 1 of the reply's. */
    private final int[] next;

    TupleIndex(int rows) {
        heads = new int[Integer.highestOneBit(rows) * 2];
        next = new int[2 * rows];
        Arrays.fill(heads, NONE);
        Arrays.fill(next, NONE);
    }

    /** The first entry of a chain, or NONE. */
    int first(int hash) {
        return heads[chain(hash)];
    }

    /** The entry behind another, or NONE. */
    int after(int entry) {
        return next[entry];
    }

    static int row(int entry) {
        return entry >>> 1;
    }

    private int chain(int hash) {
        return hash & heads.length - 1;
    }

    void add(int row, int originalHash, int replyHash) {
        link(2 * row, chain(originalHash));
        if (chain(originalHash) != chain(replyHash)) {
            link(2 * row + 1, chain(replyHash));
        }
    }

    void remove(int row, int originalHash, int replyHash) {
        unlink(2 * row, chain(originalHash));
        if (chain(originalHash) != chain(replyHash)) {
            unlink(2 * row + 1, chain(replyHash));
        }
    }

    private void link(int entry, int chain) {
        next[entry] = heads[chain];
        heads[chain] = entry;
    }

    private void unlink(int entry, int chain) {
        if (heads[chain] == entry) {
            heads[chain] = next[entry];
            return;
        }
        int before = heads[chain];
        while (next[before] != entry) {
            before = next[before];
        }
        next[before] = next[entry];
    }
}
