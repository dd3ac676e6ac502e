package dev.iod.eswitch.rules;

import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An immutable hash map: a change makes a new map that shares all but the path to what changed, and
 * what differs between two maps is found without looking at what they share. A lookup allocates
 * nothing. A hash array mapped trie (Bagwell, "Ideal Hash Trees", 2001).
 */
public final class PersistentMap<K, V> {
    private static final int BITS = 5;
    private static final int MASK = (1 << BITS) - 1;
    private static final PersistentMap<?, ?> EMPTY = new PersistentMap<>(null, 0);

    private final @Nullable Node<K, V> root;
    private final int size;

    private sealed interface Node<K, V> {}

    /** Keys of one hash; nearly always one. */
    private record Leaf<K, V>(int hash, K key, V value, @Nullable Leaf<K, V> next)
            implements Node<K, V> {}

    /** The children whose bit is set, in the order of their bits. */
    private record Branch<K, V>(int bits, Node<K, V>[] children) implements Node<K, V> {
        int position(int bit) {
            return Integer.bitCount(bits & (bit - 1));
        }

        @Nullable Node<K, V> child(int bit) {
            return (bits & bit) == 0 ? null : children[position(bit)];
        }
    }

    private PersistentMap(@Nullable Node<K, V> root, int size) {
        this.root = root;
        this.size = size;
    }

    @SuppressWarnings("unchecked") // It holds nothing.
    public static <K, V> PersistentMap<K, V> empty() {
        return (PersistentMap<K, V>) EMPTY;
    }

    public int size() {
        return size;
    }

    public @Nullable V get(K key) {
        return find(root, hash(key), 0, key);
    }

    private static int hash(Object key) {
        int hash = key.hashCode() * 0x9e3779b9;
        return hash ^ hash >>> 16;
    }

    private static int bit(int hash, int shift) {
        return 1 << (hash >>> shift & MASK);
    }

    private static <K, V> @Nullable V find(
            @Nullable Node<K, V> from, int hash, int fromShift, K key) {
        Node<K, V> node = from;
        int shift = fromShift;
        while (node instanceof Branch<K, V> branch) {
            node = branch.child(bit(hash, shift));
            shift += BITS;
        }
        for (Leaf<K, V> leaf = (Leaf<K, V>) node; leaf != null; leaf = leaf.next()) {
            if (leaf.hash() == hash && leaf.key().equals(key)) {
                return leaf.value();
            }
        }
        return null;
    }

    public PersistentMap<K, V> with(K key, V value) {
        int grown = get(key) == null ? 1 : 0;
        return new PersistentMap<>(put(root, hash(key), 0, key, value), size + grown);
    }

    public PersistentMap<K, V> without(K key) {
        if (get(key) == null) {
            return this;
        }
        return new PersistentMap<>(remove(root, hash(key), 0, key), size - 1);
    }

    private static <K, V> Node<K, V> put(
            @Nullable Node<K, V> node, int hash, int shift, K key, V value) {
        return switch (node) {
            case null -> new Leaf<>(hash, key, value, null);
            case Leaf<K, V> leaf when leaf.hash() == hash ->
                    new Leaf<>(hash, key, value, unlink(leaf, key));
            case Leaf<K, V> leaf -> {
                Branch<K, V> branch = branch(bit(leaf.hash(), shift), leaf);
                yield put(branch, hash, shift, key, value);
            }
            case Branch<K, V> branch -> {
                int bit = bit(hash, shift);
                yield replace(branch, bit, put(branch.child(bit), hash, shift + BITS, key, value));
            }
        };
    }

    /** The chain without a key. */
    private static <K, V> @Nullable Leaf<K, V> unlink(@Nullable Leaf<K, V> leaf, K key) {
        if (leaf == null) {
            return null;
        }
        return leaf.key().equals(key)
                ? leaf.next()
                : new Leaf<>(leaf.hash(), leaf.key(), leaf.value(), unlink(leaf.next(), key));
    }

    private static <K, V> @Nullable Node<K, V> remove(
            @Nullable Node<K, V> node, int hash, int shift, K key) {
        return switch (node) {
            case null -> null;
            case Leaf<K, V> leaf -> unlink(leaf, key);
            case Branch<K, V> branch -> {
                int bit = bit(hash, shift);
                Node<K, V> child = remove(branch.child(bit), hash, shift + BITS, key);
                yield child == null ? drop(branch, bit) : replace(branch, bit, child);
            }
        };
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types.
    private static <K, V> Branch<K, V> branch(int bits, Node<K, V> child) {
        return new Branch<>(bits, new Node[] {child});
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types.
    private static <K, V> Branch<K, V> replace(Branch<K, V> branch, int bit, Node<K, V> child) {
        int position = branch.position(bit);
        Node<K, V>[] old = branch.children();
        if ((branch.bits() & bit) != 0) {
            Node<K, V>[] children = old.clone();
            children[position] = child;
            return new Branch<>(branch.bits(), children);
        }
        Node<K, V>[] children = new Node[old.length + 1];
        System.arraycopy(old, 0, children, 0, position);
        children[position] = child;
        System.arraycopy(old, position, children, position + 1, old.length - position);
        return new Branch<>(branch.bits() | bit, children);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types.
    private static <K, V> @Nullable Node<K, V> drop(Branch<K, V> branch, int bit) {
        int position = branch.position(bit);
        Node<K, V>[] old = branch.children();
        if (old.length == 1) {
            return null;
        }
        if (old.length == 2 && old[1 - position] instanceof Leaf<K, V> other) {
            return other;
        }
        Node<K, V>[] children = new Node[old.length - 1];
        System.arraycopy(old, 0, children, 0, position);
        System.arraycopy(old, position + 1, children, position, old.length - position - 1);
        return new Branch<>(branch.bits() & ~bit, children);
    }

    public void forEach(BiConsumer<K, V> what) {
        each(root, what);
    }

    private static <K, V> void each(@Nullable Node<K, V> node, BiConsumer<K, V> what) {
        switch (node) {
            case null -> {}
            case Leaf<K, V> first -> {
                for (Leaf<K, V> leaf = first; leaf != null; leaf = leaf.next()) {
                    what.accept(leaf.key(), leaf.value());
                }
            }
            case Branch<K, V> branch -> {
                for (Node<K, V> child : branch.children()) {
                    each(child, what);
                }
            }
        }
    }

    /** Calls with each key that is in one of two maps only, or has another value there. */
    public static <K, V> void difference(
            PersistentMap<K, V> a, PersistentMap<K, V> b, Consumer<K> changed) {
        difference(a.root, b.root, 0, changed);
    }

    private static <K, V> void difference(
            @Nullable Node<K, V> a, @Nullable Node<K, V> b, int shift, Consumer<K> changed) {
        if (a == b) {
            return;
        }
        if (a instanceof Branch<K, V> left && b instanceof Branch<K, V> right) {
            for (int rest = left.bits() | right.bits(); rest != 0; rest &= rest - 1) {
                int bit = Integer.lowestOneBit(rest);
                difference(left.child(bit), right.child(bit), shift + BITS, changed);
            }
            return;
        }
        each(
                a,
                (key, value) -> {
                    if (!Objects.equals(value, find(b, hash(key), shift, key))) {
                        changed.accept(key);
                    }
                });
        each(
                b,
                (key, value) -> {
                    if (find(a, hash(key), shift, key) == null) {
                        changed.accept(key);
                    }
                });
    }
}
