package dev.iod.eswitch;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A small map from numbers to objects that looks up without allocating. One thread. */
final class IntMap<V> {
    private int[] keys = new int[16];
    private @Nullable Object[] values = new Object[16];
    private int size;

    @SuppressWarnings("unchecked") // only put(), which takes a V, fills the array
    @Nullable V get(int key) {
        return (V) values[slot(key)];
    }

    void put(int key, V value) {
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

    void remove(int key) {
        if (values[slot(key)] == null) {
            return;
        }
        int[] oldKeys = keys;
        Object[] oldValues = values;
        keys = new int[oldKeys.length];
        values = new Object[oldKeys.length];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null && oldKeys[i] != key) {
                insert(oldKeys[i], oldValues[i]);
            }
        }
    }

    @SuppressWarnings("unchecked") // as get
    List<V> values() {
        List<V> list = new ArrayList<>();
        for (Object value : values) {
            if (value != null) {
                list.add((V) value);
            }
        }
        return list;
    }

    private void grow() {
        int[] oldKeys = keys;
        Object[] oldValues = values;
        keys = new int[oldKeys.length * 2];
        values = new Object[oldKeys.length * 2];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null) {
                insert(oldKeys[i], oldValues[i]);
            }
        }
    }

    private void insert(int key, Object value) {
        int slot = slot(key);
        keys[slot] = key;
        values[slot] = value;
        size++;
    }

    private int slot(int key) {
        int slot = key * 0x9E37_79B9 >>> 8 & keys.length - 1;
        while (values[slot] != null && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }
}
