package dev.iod.ovn;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;

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
    private final Set<Fact> dirty = new LinkedHashSet<>();

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

    private record Made<R>(Reader[] read, Optional<R> result) {}

    /** A fact and the sources whose results read it. */
    private static final class Reader {
        final Fact fact;
        final Set<Fact> sources = new HashSet<>(2);

        Reader(Fact fact) {
            this.fact = fact;
        }
    }

    Derivations(Maker<R> maker, Taker<R> taker) {
        this.maker = maker;
        this.taker = taker;
    }

    /** The result of a source is to be made again. */
    void touch(Fact source) {
        dirty.add(source);
    }

    /** The results of all sources are to be made again. */
    void touchAll() {
        dirty.addAll(made.keySet());
    }

    /** The results that read a fact are to be made again. */
    void changed(Fact fact) {
        Reader reader = readers.get(fact);
        if (reader != null) {
            dirty.addAll(reader.sources);
        }
    }

    /** Whether any result was made from a fact. */
    boolean isRead(Fact fact) {
        return readers.containsKey(fact);
    }

    boolean isIdle() {
        return dirty.isEmpty();
    }

    /** Makes what is to be made again, and what that changes, until nothing is left. */
    void run() {
        while (!dirty.isEmpty()) {
            Fact source = dirty.iterator().next();
            remake(source);
        }
    }

    /** Makes again only the results of some sources. */
    void run(Predicate<Fact> which) {
        for (Fact source : List.copyOf(dirty)) {
            if (which.test(source)) {
                remake(source);
            }
        }
    }

    /** A source whose result cannot be made (the maker throws) stays to be made. */
    private void remake(Fact source) {
        Made<R> old = made.get(source);
        Optional<R> before = old == null ? Optional.empty() : old.result();
        var reads = new LinkedHashSet<Fact>();
        Optional<R> after = maker.make(source, before, reads::add);
        dirty.remove(source);
        var now = new Reader[reads.size()];
        int count = 0;
        for (Fact fact : reads) {
            Reader reader = readers.get(fact);
            if (reader == null) {
                reader = new Reader(fact);
                readers.put(fact, reader);
                taker.read(fact, true);
            }
            reader.sources.add(source);
            now[count++] = reader;
        }
        if (old != null) {
            for (Reader reader : old.read()) {
                if (!reads.contains(reader.fact)) {
                    forget(reader, source);
                }
            }
        }
        if (after.isEmpty() && now.length == 0) {
            made.remove(source);
        } else {
            made.put(source, new Made<>(now, after));
        }
        taker.take(source, before, after);
    }

    private void forget(Reader reader, Fact source) {
        reader.sources.remove(source);
        if (reader.sources.isEmpty()) {
            readers.remove(reader.fact);
            taker.read(reader.fact, false);
        }
    }

    /** The present result of a source. */
    Optional<R> result(Fact source) {
        Made<R> one = made.get(source);
        return one == null ? Optional.empty() : one.result();
    }
}
