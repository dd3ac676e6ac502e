package dev.iod.eswitch.connections;

import dev.iod.eswitch.base.LongMap;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Connections grouped by one property, their zone or the sender of their first packet: the size of
 * each group, and a queue of its connections that are not established, in the order in which they
 * are evicted, the oldest first. All operations but {@link #largest} take constant time. Engine
 * thread only.
 */
public final class ConnectionGroups {
    private static final int NONE = ConnectionTable.NONE;

    /** In {@link #previous}: the row waits in no queue. */
    private static final int SETTLED = -2;

    /** One group; it stays when it is empty, so there are as many as zones or senders seen. */
    static final class Group {
        private int size;
        private int waiting;
        private int oldest = NONE;
        private int newest = NONE;

        /** Connections of the group. */
        public int size() {
            return size;
        }

        /** Those of them that may go to make room. */
        int waiting() {
            return waiting;
        }

        /** The next to go, NONE when all are established. */
        int oldest() {
            return oldest;
        }
    }

    private final LongMap<Group> groups = new LongMap<>();
    private final int[] next;
    private final int[] previous;
    private Group largest = new Group();

    ConnectionGroups(int capacity) {
        next = new int[capacity];
        previous = new int[capacity];
        Arrays.fill(previous, SETTLED);
    }

    Group of(int key) {
        Group group = groups.get(key);
        if (group == null) {
            group = new Group();
            groups.put(key, group);
        }
        return group;
    }

    public int size(int key) {
        Group group = groups.get(key);
        return group == null ? 0 : group.size;
    }

    void add(int key, int row, boolean waits) {
        Group group = of(key);
        group.size++;
        if (waits) {
            append(group, row);
        }
    }

    void remove(int key, int row) {
        Group group = of(key);
        group.size--;
        if (previous[row] != SETTLED) {
            unlink(group, row);
        }
    }

    /** Says whether a row may go now; one that may go again is the youngest of those. */
    void review(int key, int row, boolean waits) {
        if (waits == (previous[row] == SETTLED)) {
            Group group = of(key);
            if (waits) {
                append(group, row);
            } else {
                unlink(group, row);
            }
        }
    }

    /** The group with most rows that may go, or one of nearly as many; null when no row may. */
    @Nullable Group largest() {
        if (largest.waiting == 0) {
            for (Group group : groups.values()) {
                if (group.waiting > largest.waiting) {
                    largest = group;
                }
            }
        }
        return largest.waiting == 0 ? null : largest;
    }

    private void append(Group group, int row) {
        next[row] = NONE;
        previous[row] = group.newest;
        if (group.newest == NONE) {
            group.oldest = row;
        } else {
            next[group.newest] = row;
        }
        group.newest = row;
        group.waiting++;
        if (group.waiting > largest.waiting) {
            largest = group;
        }
    }

    private void unlink(Group group, int row) {
        if (previous[row] == NONE) {
            group.oldest = next[row];
        } else {
            next[previous[row]] = next[row];
        }
        if (next[row] == NONE) {
            group.newest = previous[row];
        } else {
            previous[next[row]] = previous[row];
        }
        previous[row] = SETTLED;
        group.waiting--;
    }
}
