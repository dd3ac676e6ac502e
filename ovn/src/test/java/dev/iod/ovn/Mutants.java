package dev.iod.ovn;

import dev.iod.eswitch.Bits;
import dev.iod.eswitch.Entity.Rule;
import dev.iod.eswitch.Field;
import dev.iod.eswitch.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Compiled rules with a defect put in. */
final class Mutants {
    private static final Set<Field> ADDRESSES =
            Set.of(Field.ETH_DST, Field.IP4_SRC, Field.IP4_DST, Field.IP6_DST, Field.REG0);

    private Mutants() {}

    /** The other rule wins where this one should. */
    static List<Rule> prioritySwapped(Rule a, Rule b) {
        return List.of(with(a, b.priority(), a.match()), with(b, a.priority(), b.match()));
    }

    /**
     * A comparison with an address no longer looks at its last bit, by which neighbours differ;
     * empty when the rule compares no address.
     */
    static Optional<Rule> maskBitLost(Rule rule) {
        List<Match.Masked> terms = new ArrayList<>();
        each(rule.match(), terms);
        Optional<Match.Masked> chosen =
                terms.stream().filter(term -> ADDRESSES.contains(term.field())).findFirst();
        if (chosen.isEmpty() || chosen.get().mask().low() == 0) {
            return Optional.empty();
        }
        long mask = chosen.get().mask().low();
        Bits without = new Bits(chosen.get().mask().high(), mask & (mask - 1));
        var lost =
                new Match.Masked(chosen.get().field(), chosen.get().value().and(without), without);
        Match match = map(rule.match(), term -> term.equals(chosen.get()) ? lost : term);
        return Optional.of(with(rule, rule.priority(), match));
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

    private static void each(Match match, List<Match.Masked> into) {
        map(
                match,
                term -> {
                    into.add(term);
                    return term;
                });
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
