package dev.iod.ovn;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Results that are functions of facts. Each result notes which facts it was made from; a changed
 * fact makes exactly those results again that read it. Bounded by the rows and devices that results
 * are made of. One thread.
 */
final class Derivations<R> {
    private final Maker<R> maker;
    private final Taker<R> taker;
    private final Map<Fact, Made<R>> made = new HashMap<>();
    private final Map<Fact, Reader> readers = new HashMap<>();

    /** What is to be made again, in the order it was found; entries that are not dirty are old. */
    private final ArrayDeque<Made<R>> queue = new ArrayDeque<>();

    private int dirty;

    /** Counts what was made, to know a fact that is read again by the same result. */
    private long round;

    /** Makes results. */
    interface Maker<R> {
        /**
         * The present result of a source; empty when it has none.
         *
         * @param before the result it replaces
         * @param reads to be told each fact that is looked at
         */
        Optional<R> make(Fact source, Optional<R> before, Consumer<Fact> reads);
    }

    /** Told what changed. */
    interface Taker<R> {
        /** A result was made again. */
        void take(Fact source, Optional<R> before, Optional<R> after);

        /** A fact is read for the first time, or no result reads it any more. */
        default void read(Fact fact, boolean now) {}
    }

    /** A source with its present result; few fields, as there is one for each flow. */
    private static final class Made<R> {
        static final Reader[] NOTHING = {};

        final Fact source;
        Reader[] read = NOTHING;
        @Nullable R result;
        boolean dirty;

        Made(Fact source) {
            this.source = source;
        }
    }

    /** A fact and the sources whose results read it. */
    private static final class Reader {
        static final int FEW = 8;

        final Fact fact;

        /** Of the last result that read it; 0 = none. */
        long round;

        /** Most facts are read by a few results: an array in place of a table of its own. */
        private @Nullable Made<?>[] few = new Made<?>[2];

        private int count;
        private @Nullable Set<Made<?>> many;

        Reader(Fact fact) {
            this.fact = fact;
        }

        void add(Made<?> source) {
            if (many != null) {
                many.add(source);
                return;
            }
            for (int i = 0; i < count; i++) {
                if (few[i] == source) {
                    return;
                }
            }
            if (count == FEW) {
                Set<Made<?>> all = new HashSet<>();
                for (Made<?> one : few) {
                    if (one != null) {
                        all.add(one);
                    }
                }
                all.add(source);
                many = all;
                few = new Made<?>[0];
                count = 0;
                return;
            }
            if (count == few.length) {
                few = Arrays.copyOf(few, FEW);
            }
            few[count++] = source;
        }

        void remove(Made<?> source) {
            if (many != null) {
                many.remove(source);
                return;
            }
            for (int i = 0; i < count; i++) {
                if (few[i] == source) {
                    few[i] = few[--count];
                    few[count] = null;
                    return;
                }
            }
        }

        boolean isEmpty() {
            return many == null ? count == 0 : many.isEmpty();
        }

        void each(Consumer<Made<?>> what) {
            if (many != null) {
                many.forEach(what);
            }
            for (int i = 0; i < count; i++) {
                Made<?> one = few[i];
                if (one != null) {
                    what.accept(one);
                }
            }
        }
    }

    Derivations(Maker<R> maker, Taker<R> taker) {
        this.maker = maker;
        this.taker = taker;
    }

    /** The result of a source is to be made again. */
    void touch(Fact source) {
        touch(made.computeIfAbsent(source, Made::new));
    }

    private void touch(Made<R> one) {
        if (!one.dirty) {
            one.dirty = true;
            dirty++;
            queue.add(one);
        }
    }

    /** The results of all sources are to be made again. */
    void touchAll() {
        made.values().forEach(this::touch);
    }

    /** The results that read a fact are to be made again. */
    @SuppressWarnings("unchecked")
    void changed(Fact fact) {
        Reader reader = readers.get(fact);
        if (reader != null) {
            // Only this object's own are there.
            reader.each(source -> touch((Made<R>) source));
        }
    }

    /** Whether any result was made from a fact. */
    boolean isRead(Fact fact) {
        Reader reader = readers.get(fact);
        return reader != null && !reader.isEmpty();
    }

    boolean isIdle() {
        return dirty == 0;
    }

    /** Makes what is to be made again, and what that changes, until nothing is left. */
    void run() {
        while (dirty > 0) {
            Made<R> next = queue.getFirst();
            if (next.dirty) {
                remake(next);
            }
            queue.removeFirst();
        }
        queue.clear();
    }

    /** Makes again only the results of some sources. */
    void run(Predicate<Fact> which) {
        for (Made<R> one : List.copyOf(queue)) {
            if (one.dirty && which.test(one.source)) {
                remake(one);
            }
        }
        queue.removeIf(one -> !one.dirty);
    }

    /** A source whose result cannot be made (the maker throws) stays to be made. */
    private void remake(Made<R> one) {
        Optional<R> before = Optional.ofNullable(one.result);
        var reads = new ArrayList<Reader>();
        long now = ++round;
        Optional<R> after = make(one, before, now, reads);
        one.dirty = false;
        dirty--;
        Reader[] old = one.read;
        one.read = reads.isEmpty() ? Made.NOTHING : reads.toArray(Reader[]::new);
        one.result = after.orElse(null);
        for (Reader reader : one.read) {
            boolean first = reader.isEmpty();
            reader.add(one);
            if (first) {
                taker.read(reader.fact, true);
            }
        }
        for (Reader reader : old) {
            if (reader.round != now) {
                forget(reader, one);
            }
        }
        if (after.isEmpty() && one.read.length == 0 && !one.dirty) {
            made.remove(one.source);
        }
        taker.take(one.source, before, after);
    }

    private Optional<R> make(Made<R> one, Optional<R> before, long now, List<Reader> reads) {
        boolean failed = true;
        try {
            Optional<R> after = maker.make(one.source, before, fact -> read(fact, now, reads));
            failed = false;
            return after;
        } finally {
            if (failed) {
                reads.stream().filter(Reader::isEmpty).forEach(r -> readers.remove(r.fact));
            }
        }
    }

    /** Notes a fact once; its reader is in the table from here on, still without this source. */
    private void read(Fact fact, long now, List<Reader> reads) {
        Reader known = readers.get(fact);
        if (known == null) {
            known = new Reader(fact);
            readers.put(fact, known);
        }
        if (known.round != now) {
            known.round = now;
            reads.add(known);
        }
    }

    private void forget(Reader reader, Made<R> source) {
        reader.remove(source);
        if (reader.isEmpty()) {
            readers.remove(reader.fact);
            taker.read(reader.fact, false);
        }
    }

    /** The present result of a source. */
    Optional<R> result(Fact source) {
        Made<R> one = made.get(source);
        return one == null ? Optional.empty() : Optional.ofNullable(one.result);
    }
}
