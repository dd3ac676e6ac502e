package dev.iod.ovn;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Builds predicates in a simple form: constants folded, nested lists of one kind flattened. */
final class Matches {
    static final Match TRUE = new Match.Always();
    static final Match FALSE = new Match.Any(List.of());

    private Matches() {}

    static Match all(List<Match> terms) {
        var flat = new Distinct();
        for (Match term : terms) {
            if (isFalse(term)) {
                return FALSE;
            }
            if (term instanceof Match.All(List<Match> inner)) {
                inner.forEach(flat::add);
            } else if (!(term instanceof Match.Always)) {
                flat.add(term);
            }
        }
        return switch (flat.terms.size()) {
            case 0 -> TRUE;
            case 1 -> flat.terms.getFirst();
            default -> new Match.All(List.copyOf(flat.terms));
        };
    }

    static Match any(List<Match> terms) {
        var flat = new Distinct();
        for (Match term : terms) {
            if (term instanceof Match.Always) {
                return TRUE;
            }
            if (term instanceof Match.Any(List<Match> inner)) {
                inner.forEach(flat::add);
            } else {
                flat.add(term);
            }
        }
        return switch (flat.terms.size()) {
            case 0 -> FALSE;
            case 1 -> flat.terms.getFirst();
            default -> new Match.Any(List.copyOf(flat.terms));
        };
    }

    static boolean isFalse(Match match) {
        return match instanceof Match.Any(List<Match> terms) && terms.isEmpty();
    }

    /** Terms, each once, in their order. A few are compared one by one, which takes no table. */
    private static final class Distinct {
        private static final int FEW = 12;

        final List<Match> terms = new ArrayList<>();
        private Set<Match> known = Set.of();

        void add(Match term) {
            if (terms.size() < FEW) {
                for (Match other : terms) {
                    if (same(other, term)) {
                        return;
                    }
                }
            } else {
                if (known.isEmpty()) {
                    known = new HashSet<>(terms);
                }
                if (!known.add(term)) {
                    return;
                }
            }
            terms.add(term);
        }
    }

    /** {@code a.equals(b)}, quickly told for the most frequent kind. */
    private static boolean same(Match a, Match b) {
        if (a == b) {
            return true;
        }
        return a instanceof Match.Masked x && b instanceof Match.Masked y
                ? x.field() == y.field()
                        && Span.same(x.value(), y.value())
                        && Span.same(x.mask(), y.mask())
                : a.getClass() == b.getClass() && a.equals(b);
    }

    /** The opposite, with the negation moved inwards where that keeps masked terms visible. */
    static Match not(Match match) {
        return switch (match) {
            case Match.Always ignored -> FALSE;
            case Match.Not(Match term) -> term;
            case Match.All(List<Match> terms) -> any(negated(terms));
            case Match.Any(List<Match> terms) -> all(negated(terms));
            case Match.Masked masked
                    when Long.bitCount(masked.mask().low()) == 1 && masked.mask().high() == 0 ->
                    new Match.Masked(
                            masked.field(),
                            new Bits(0, masked.value().low() ^ masked.mask().low()),
                            masked.mask());
            case Match.Masked masked -> new Match.Not(masked);
            case Match.Compare compare -> new Match.Not(compare);
            case Match.In in -> new Match.Not(in);
        };
    }

    private static List<Match> negated(List<Match> terms) {
        var negated = new ArrayList<Match>(terms.size());
        terms.forEach(term -> negated.add(not(term)));
        return negated;
    }
}
