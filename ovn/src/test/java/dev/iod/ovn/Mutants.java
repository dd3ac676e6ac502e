package dev.iod.ovn;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.Rule;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Compiled rules with a defect put in. */
final class Mutants {
    private Mutants() {}

    /** The other rule wins where this one should. */
    static List<Rule> prioritySwapped(Rule a, Rule b) {
        return List.of(with(a, b.priority(), a.match()), with(b, a.priority(), b.match()));
    }

    /** The one bit that a rule looks at is no longer looked at; empty for other rules. */
    static Optional<Rule> maskBitLost(Rule rule) {
        if (!(rule.match() instanceof Match.Masked(Field field, Bits ignored, Bits mask))
                || Long.bitCount(mask.high()) + Long.bitCount(mask.low()) != 1) {
            return Optional.empty();
        }
        var lost = new Match.Masked(field, Bits.ZERO, Bits.ZERO);
        return Optional.of(with(rule, rule.priority(), lost));
    }

    /** "new" and "established" are taken for each other. */
    static Optional<Rule> stateBitConfused(Rule rule) {
        Match confused =
                map(
                        rule.match(),
                        term ->
                                term.field() == Field.CT_STATE
                                        ? new Match.Masked(
                                                term.field(),
                                                exchanged(term.value()),
                                                exchanged(term.mask()))
                                        : term);
        return confused.equals(rule.match())
                ? Optional.empty()
                : Optional.of(with(rule, rule.priority(), confused));
    }

    private static Bits exchanged(Bits bits) {
        long low = bits.low();
        return new Bits(bits.high(), low & ~3 | (low & 1) << 1 | low >>> 1 & 1);
    }

    private static Rule with(Rule rule, int priority, Match match) {
        return new Rule(
                rule.id(),
                rule.cookie(),
                rule.scope(),
                rule.stage(),
                rule.table(),
                priority,
                match,
                rule.actions());
    }

    private static Match map(Match match, UnaryOperator<Match.Masked> change) {
        return switch (match) {
            case Match.Masked masked -> change.apply(masked);
            case Match.All(List<Match> terms) ->
                    new Match.All(terms.stream().map(term -> map(term, change)).toList());
            case Match.Any(List<Match> terms) ->
                    new Match.Any(terms.stream().map(term -> map(term, change)).toList());
            case Match.Not(Match term) -> new Match.Not(map(term, change));
            case Match.Always always -> always;
            case Match.Compare compare -> compare;
            case Match.In in -> in;
        };
    }
}
