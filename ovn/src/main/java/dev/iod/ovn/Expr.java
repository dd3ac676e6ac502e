package dev.iod.ovn;

import dev.iod.pipeline.Match;
import java.util.List;

/**
 * A parsed expression before negations are pushed down. OVN adds what a symbol requires to the
 * comparison after that, so {@code !(tcp.dst == 80)} is "TCP, to another port".
 */
sealed interface Expr {
    record Leaf(Match match, Match required) implements Expr {}

    record All(List<Expr> terms) implements Expr {}

    record Any(List<Expr> terms) implements Expr {}

    record Not(Expr term) implements Expr {}

    /** Cannot be told here; stands for "maybe", so that failing closed covers every packet. */
    record Maybe() implements Expr {}

    static Expr always(boolean value) {
        return new Leaf(value ? Matches.TRUE : Matches.FALSE, Matches.TRUE);
    }

    /** The predicate of this expression, or of its opposite. */
    default Match toMatch(boolean negated) {
        return switch (this) {
            case Maybe ignored -> Matches.TRUE;
            case Leaf(Match match, Match required) ->
                    Matches.all(List.of(required, negated ? Matches.not(match) : match));
            case Not(Expr term) -> term.toMatch(!negated);
            case All(List<Expr> terms) -> joined(terms, negated, !negated);
            case Any(List<Expr> terms) -> joined(terms, negated, negated);
        };
    }

    private static Match joined(List<Expr> terms, boolean negated, boolean all) {
        List<Match> matches = terms.stream().map(term -> term.toMatch(negated)).toList();
        return all ? Matches.all(matches) : Matches.any(matches);
    }
}
