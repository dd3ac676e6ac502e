package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;

/** A {@link Match} made ready to run. */
interface Predicate {
    boolean test(Packet packet, PipelineState state);

    Predicate ALWAYS = (packet, state) -> true;
    Predicate NEVER = (packet, state) -> false;

    static Predicate of(Match match) {
        return switch (match) {
            case Match.Always m -> ALWAYS;
            case Match.Masked m -> masked(m.field(), m.value(), m.mask());
            case Match.Compare m -> compare(m.field(), m.relation(), m.value());
            case Match.In m -> (packet, state) -> state.set(m.set()).contains(packet, m.field());
            case Match.All m -> all(compileAll(m.terms()));
            case Match.Any m -> any(compileAll(m.terms()));
            case Match.Not m -> {
                Predicate term = of(m.term());
                yield (packet, state) -> !term.test(packet, state);
            }
        };
    }

    static Predicate all(List<Predicate> terms) {
        if (terms.isEmpty()) {
            return ALWAYS;
        }
        if (terms.size() == 1) {
            return terms.getFirst();
        }
        Predicate[] each = terms.toArray(Predicate[]::new);
        return (packet, state) -> {
            for (Predicate term : each) {
                if (!term.test(packet, state)) {
                    return false;
                }
            }
            return true;
        };
    }

    private static Predicate any(List<Predicate> terms) {
        Predicate[] each = terms.toArray(Predicate[]::new);
        return (packet, state) -> {
            for (Predicate term : each) {
                if (term.test(packet, state)) {
                    return true;
                }
            }
            return false;
        };
    }

    private static List<Predicate> compileAll(List<Match> terms) {
        List<Predicate> compiled = new ArrayList<>(terms.size());
        for (Match term : terms) {
            compiled.add(of(term));
        }
        return compiled;
    }

    private static Predicate masked(Field field, Bits value, Bits mask) {
        long low = value.low();
        long lowMask = mask.low();
        if (mask.high() == 0) {
            return value.high() != 0
                    ? NEVER
                    : (packet, state) -> (packet.low(field) & lowMask) == low;
        }
        long high = value.high();
        long highMask = mask.high();
        return (packet, state) ->
                (packet.low(field) & lowMask) == low && (packet.high(field) & highMask) == high;
    }

    private static Predicate compare(Field field, Match.Relation relation, Bits value) {
        return switch (relation) {
            case LESS -> (packet, state) -> order(packet, field, value) < 0;
            case LESS_OR_EQUAL -> (packet, state) -> order(packet, field, value) <= 0;
            case GREATER -> (packet, state) -> order(packet, field, value) > 0;
            case GREATER_OR_EQUAL -> (packet, state) -> order(packet, field, value) >= 0;
        };
    }

    private static int order(Packet packet, Field field, Bits value) {
        int high = Long.compareUnsigned(packet.high(field), value.high());
        return high != 0 ? high : Long.compareUnsigned(packet.low(field), value.low());
    }

    /** Names of the value sets the match uses. */
    static void setsOf(Match match, List<String> into) {
        switch (match) {
            case Match.In m -> into.add(m.set());
            case Match.All m -> m.terms().forEach(term -> setsOf(term, into));
            case Match.Any m -> m.terms().forEach(term -> setsOf(term, into));
            case Match.Not m -> setsOf(m.term(), into);
            case Match.Always m -> {}
            case Match.Masked m -> {}
            case Match.Compare m -> {}
        }
    }
}
