package dev.iod.eswitch.base;

import dev.iod.pipeline.Hash;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A map from numbers to objects that looks up and removes without allocating: open addressing with
 * linear probing, at most half full. Numbers may come from strangers (VNIs, tunnel addresses), so
 * the hash is salted. It grows and never shrinks but by {@link #clear}. One thread.
 */
public final class LongMap<V> {
    private static final int SMALLEST = 16;

    private long[] keys = new long[SMALLEST];
    private @Nullable Object[] values = new Object[SMALLEST];
    private int size;

    /** The value of a number, or null. */
    @SuppressWarnings("unchecked") // only put(), which takes a V, fills the array
    public @Nullable V get(long key) {
        return (V) values[slot(key)];
    }

    /** Sets the value of a number. */
    public void put(long key, V value) {
        if ((size + 1) * 2 > keys.length) {
            grow();
        }
        int slot = slot(key);
        if (values[slot] == null) {
            size++;
        }
        keys[slot] = key;
        values[slot] = value;
    }

    /** Removes a number, if it is there, in the time of one look-up. */
    public void remove(long key) {
        int hole = slot(key);
        if (values[hole] == null) {
            return;
        }
        // Entries behind the hole that were pushed past it move back (Knuth, TAOCP 6.4, algorithm
        // R).
        int mask = keys.length - 1;
        for (int slot = hole + 1 & mask; values[slot] != null; slot = slot + 1 & mask) {
            int fromHome = slot - home(keys[slot]) & mask;
            if (fromHome >= (slot - hole & mask)) {
                keys[hole] = keys[slot];
                values[hole] = values[slot];
                hole = slot;
            }
        }
        values[hole] = null;
        size--;
    }

    /** How many numbers have a value. */
    public int size() {
        return size;
    }

    /** Removes everything. */
    public void clear() {
        keys = new long[SMALLEST];
        values = new Object[SMALLEST];
        size = 0;
    }

    /** All values, a copy in no particular order. */
    @SuppressWarnings("unchecked") // as get
    public List<V> values() {
        List<V> list = new ArrayList<>(size);
        for (Object value : values) {
            if (value != null) {
                list.add((V) value);
            }
        }
        return list;
    }

    @SuppressWarnings("unchecked") // as get
    private void grow() {
        long[] oldKeys = keys;
        @Nullable Object[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new Object[oldKeys.length * 2];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null) {
                put(oldKeys[i], (V) oldValues[i]);
            }
        }
    }

    private int home(long key) {
        return Hash.fold(Hash.mix(Hash.SECRET, key)) & keys.length - 1;
    }

    /** Where a number is, or the empty slot where it belongs. */
    private int slot(long key) {
        int slot = home(key);
        while (values[slot] != null && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }
}
