package dev.iod.ovn;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Consecutive bits of an OVN field as parts of engine fields, least significant part first: OVN's
 * 64 and 128-bit registers overlay several of the engine's.
 */
record Span(List<Slice> parts) {
    /** Masks of whole fields by their width: nearly every term of every rule has one. */
    private static final Bits[] ONES =
            IntStream.rangeClosed(0, 128).mapToObj(Bits::ones).toArray(Bits[]::new);

    static Span of(Field... leastSignificantFirst) {
        var parts = new ArrayList<Slice>();
        for (Field field : leastSignificantFirst) {
            parts.add(field.whole());
        }
        return new Span(parts);
    }

    int width() {
        int width = 0;
        for (Slice part : parts) {
            width += part.width();
        }
        return width;
    }

    /** {@code bits} bits from bit {@code offset}, which must be inside. */
    Span sub(int offset, int bits) {
        var found = new ArrayList<Slice>();
        int start = 0;
        for (Slice part : parts) {
            int from = Math.max(offset, start);
            int to = Math.min(offset + bits, start + part.width());
            if (from < to) {
                found.add(part.field().slice(part.offset() + from - start, to - from));
            }
            start += part.width();
        }
        return new Span(found);
    }

    /** {@code width} one bits, always the same object. */
    static Bits ones(int width) {
        return ONES[width];
    }

    /** The same bits; the shared object if these are a number of ones. */
    private static Bits shared(Bits mask) {
        int width = Long.bitCount(mask.low()) + Long.bitCount(mask.high());
        return same(mask, ONES[width]) ? ONES[width] : mask;
    }

    /** A test that {@code this & mask == value}. */
    Match equal(Bits value, Bits mask) {
        var terms = new ArrayList<Match>();
        int start = 0;
        for (Slice part : parts) {
            Bits partMask = shared(mask.shiftRight(start).and(ONES[part.width()]));
            if (!same(partMask, Bits.ZERO)) {
                Bits partValue = value.shiftRight(start).and(partMask);
                terms.add(
                        new Match.Masked(
                                part.field(),
                                partValue.shiftLeft(part.offset()),
                                partMask.shiftLeft(part.offset())));
            }
            start += part.width();
        }
        return Matches.all(terms);
    }

    /** An order relation to a constant. */
    Match compare(Match.Relation relation, Bits value) {
        if (parts.size() == 1 && parts.getFirst().width() == parts.getFirst().field().width()) {
            return new Match.Compare(parts.getFirst().field(), relation, value);
        }
        return switch (relation) {
            case LESS -> less(value);
            case GREATER -> greater(value);
            case LESS_OR_EQUAL -> Matches.not(greater(value));
            case GREATER_OR_EQUAL -> Matches.not(less(value));
        };
    }

    /** Below a value: for one of its one-bits, the bits above are equal and this one is zero. */
    private Match less(Bits value) {
        var ways = new ArrayList<Match>();
        for (int bit = width() - 1; bit >= 0; bit--) {
            if (bit(value, bit)) {
                ways.add(decidedAt(value, bit, false));
            }
        }
        return Matches.any(ways);
    }

    private Match greater(Bits value) {
        var ways = new ArrayList<Match>();
        for (int bit = width() - 1; bit >= 0; bit--) {
            if (!bit(value, bit)) {
                ways.add(decidedAt(value, bit, true));
            }
        }
        return Matches.any(ways);
    }

    private Match decidedAt(Bits value, int bit, boolean one) {
        Bits all = Bits.ones(width());
        Bits below = Bits.ones(bit);
        Bits mask = new Bits(all.high() & ~below.high(), all.low() & ~below.low());
        Bits flag = Bits.of(1).shiftLeft(bit);
        Bits above = new Bits(value.high() & ~flag.high(), value.low() & ~flag.low());
        Bits wanted = one ? new Bits(above.high() | flag.high(), above.low() | flag.low()) : above;
        return equal(wanted.and(mask), mask);
    }

    private static boolean bit(Bits value, int bit) {
        return (value.shiftRight(bit).low() & 1) != 0;
    }

    static boolean same(Bits a, Bits b) {
        return a.low() == b.low() && a.high() == b.high();
    }
}
