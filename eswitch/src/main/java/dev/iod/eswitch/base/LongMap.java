package dev.iod.eswitch.base;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A small map from numbers to objects that looks up without allocating. One thread. */
public final class LongMap<V> {
    private long[] keys = new long[16];
    private @Nullable Object[] values = new Object[16];
    private int size;

    @SuppressWarnings("unchecked") // only put(), which takes a V, fills the array
    public @Nullable V get(long key) {
        return (V) values[slot(key)];
    }

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

    public void remove(long key) {
        if (values[slot(key)] == null) {
            return;
        }
        long[] oldKeys = keys;
        Object[] oldValues = values;
        keys = new long[oldKeys.length];
        values = new Object[oldKeys.length];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null && oldKeys[i] != key) {
                insert(oldKeys[i], oldValues[i]);
            }
        }
    }

    public int size() {
        return size;
    }

    public void clear() {
        keys = new long[16];
        values = new Object[16];
        size = 0;
    }

    @SuppressWarnings("unchecked") // as get
    public List<V> values() {
        List<V> list = new ArrayList<>();
        for (Object value : values) {
            if (value != null) {
                list.add((V) value);
            }
        }
        return list;
    }

    private void grow() {
        long[] oldKeys = keys;
        Object[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new Object[oldKeys.length * 2];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null) {
                insert(oldKeys[i], oldValues[i]);
            }
        }
    }

    private void insert(long key, Object value) {
        int slot = slot(key);
        keys[slot] = key;
        values[slot] = value;
        size++;
    }

    private int slot(long key) {
        int slot = (int) (key * 0x9E37_79B9_7F4A_7C15L >>> 32) & keys.length - 1;
        while (values[slot] != null && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }
}
