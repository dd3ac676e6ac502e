package dev.iod.ovn;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/** Builds predicates in a simple form: constants folded, nested lists of one kind flattened. */
final class Matches {
    static final Match TRUE = new Match.Always();
    static final Match FALSE = new Match.Any(List.of());

    private Matches() {}

    static Match all(List<Match> terms) {
        var flat = new LinkedHashSet<Match>();
        for (Match term : terms) {
            if (term.equals(FALSE)) {
                return FALSE;
            }
            if (term instanceof Match.All(List<Match> inner)) {
                flat.addAll(inner);
            } else if (!(term instanceof Match.Always)) {
                flat.add(term);
            }
        }
        return switch (flat.size()) {
            case 0 -> TRUE;
            case 1 -> flat.getFirst();
            default -> new Match.All(List.copyOf(flat));
        };
    }

    static Match any(List<Match> terms) {
        var flat = new LinkedHashSet<Match>();
        for (Match term : terms) {
            if (term instanceof Match.Always) {
                return TRUE;
            }
            if (term instanceof Match.Any(List<Match> inner)) {
                flat.addAll(inner);
            } else {
                flat.add(term);
            }
        }
        return flat.size() == 1 ? flat.getFirst() : new Match.Any(List.copyOf(flat));
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
