package dev.iod.eswitch.caches;

import dev.iod.pipeline.Hash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A point where paths branch: the ingress, or behind a connection lookup. Tuple-space search over
 * the packet's key and what the lookup found; the first match is as good as any, because each entry
 * holds for all packets it matches.
 */
public final class PathNode {
    /** Words of what is matched: the flow key, then state and mark, then the label. */
    public static final int WORDS = FlowKey.WORDS + 3;

    private static final int MAX_MASKS = 64;

    private MaskTable[] tables = {};

    /** Nothing is known yet of what comes here. */
    public PathNode() {}

    public @Nullable PathSegment find(long[] key) {
        MaskTable[] all = tables;
        for (int i = 0; i < all.length; i++) {
            PathSegment found = all[i].find(key);
            if (found != null) {
                if (i > 0) { // The usual ones come to the front.
                    MaskTable before = all[i - 1];
                    all[i - 1] = all[i];
                    all[i] = before;
                }
                return found;
            }
        }
        return null;
    }

    /** Adds a segment. @return false when there are too many masks already */
    boolean put(long[] key, long[] mask, PathSegment segment) {
        for (MaskTable table : tables) {
            if (table.has(mask)) {
                table.put(key, segment);
                return true;
            }
        }
        if (tables.length == MAX_MASKS) {
            return false;
        }
        MaskTable table = new MaskTable(mask);
        table.put(key, segment);
        tables = Arrays.copyOf(tables, tables.length + 1);
        tables[tables.length - 1] = table;
        return true;
    }

    /** All segments of one mask: open addressing, at most half full. */
    private static final class MaskTable {
        private final long[] mask;

        /** The words whose mask is not zero, and the values of an entry one after another. */
        private final int[] used;

        private long[] values;
        private @Nullable PathSegment[] segments = new PathSegment[8];
        private int size;

        MaskTable(long[] mask) {
            this.mask = mask.clone();
            int[] words = new int[WORDS];
            int count = 0;
            for (int i = 0; i < WORDS; i++) {
                if (mask[i] != 0) {
                    words[count++] = i;
                }
            }
            used = Arrays.copyOf(words, count);
            values = new long[segments.length * count];
        }

        boolean has(long[] other) {
            return Arrays.equals(mask, other);
        }

        public @Nullable PathSegment find(long[] key) {
            return segments[slot(key)];
        }

        private int slot(long[] key) {
            long hash = Hash.SECRET;
            for (int word : used) {
                hash = Hash.mix(hash, key[word] & mask[word]);
            }
            int slot = Hash.fold(hash) & segments.length - 1;
            while (segments[slot] != null && !equal(slot, key)) {
                slot = slot + 1 & segments.length - 1;
            }
            return slot;
        }

        private boolean equal(int slot, long[] key) {
            int at = slot * used.length;
            for (int word : used) {
                if (values[at++] != (key[word] & mask[word])) {
                    return false;
                }
            }
            return true;
        }

        void put(long[] key, PathSegment segment) {
            if ((size + 1) * 2 > segments.length) {
                grow();
            }
            int slot = slot(key);
            if (segments[slot] == null) {
                size++;
            }
            segments[slot] = segment;
            int at = slot * used.length;
            for (int word : used) {
                values[at++] = key[word] & mask[word];
            }
        }

        private void grow() {
            PathSegment[] oldSegments = segments;
            long[] oldValues = values;
            segments = new PathSegment[oldSegments.length * 2];
            values = new long[oldValues.length * 2];
            size = 0;
            long[] key = new long[WORDS];
            for (int i = 0; i < oldSegments.length; i++) {
                PathSegment segment = oldSegments[i];
                if (segment != null) {
                    for (int word = 0; word < used.length; word++) {
                        key[used[word]] = oldValues[i * used.length + word];
                    }
                    put(key, segment);
                }
            }
        }
    }
}
