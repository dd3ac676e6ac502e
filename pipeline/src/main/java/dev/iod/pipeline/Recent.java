package dev.iod.pipeline;

import org.jspecify.annotations.Nullable;

/**
 * Immutable objects that were read not long ago, so that rules share what they have in common: the
 * same masks, terms and actions come again and again, and rules are most of what an engine holds. A
 * fixed number of places; an object that finds its place taken by another one takes it. Any thread:
 * which of two equal objects one gets does not matter.
 */
final class Recent {
    private static final int PLACES = 1 << 13;

    private static final @Nullable Object[] KNOWN = new @Nullable Object[PLACES];

    private Recent() {}

    /** An object that equals this one. */
    @SuppressWarnings("unchecked") // Equal objects are of one class.
    static <T> T of(T read) {
        int hash = read.hashCode() * 0x9e37_79b9;
        int place = hash >>> 19;
        Object known = KNOWN[place];
        if (known != null && known.getClass() == read.getClass() && known.equals(read)) {
            return (T) known;
        }
        KNOWN[place] = read;
        return read;
    }
}
