package dev.iod.eswitch.rules;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A rule split into what a hash table can find (its top-level AND-ed masked terms, at most one per
 * field) and the rest, which is run.
 *
 * @param terms in the order of their fields
 * @param looks the bits the rest looks at
 * @param impossible two terms contradict each other, so nothing matches
 */
public record CompiledRule(
        Entity.Rule rule,
        List<Match.Masked> terms,
        Predicate rest,
        List<Match.Masked> looks,
        List<Action> actions,
        boolean impossible) {

    /** What fits into a reply beside the fixed part on any link of 1500 bytes. */
    private static final int MAX_DHCP_OPTIONS = 1200;

    /** Terms of most rules. */
    private static final int FEW = 4;

    static CompiledRule of(Entity.Rule rule) {
        List<Match.Masked> terms = new ArrayList<>(FEW);
        List<Match> rest = new ArrayList<>(FEW);
        boolean possible = split(rule.match(), terms, rest);
        return new CompiledRule(
                rule,
                List.copyOf(terms),
                rest.isEmpty()
                        ? Predicate.ALWAYS
                        : Predicate.all(rest.stream().map(Predicate::of).toList()),
                rest.isEmpty() ? List.of() : looks(rest),
                checked(rule.actions()),
                !possible);
    }

    private static List<Match.Masked> looks(List<Match> rest) {
        Map<Field, Bits> looks = new EnumMap<>(Field.class);
        rest.forEach(match -> addLooks(match, looks));
        return looks.entrySet().stream()
                .map(look -> new Match.Masked(look.getKey(), Bits.ZERO, look.getValue()))
                .toList();
    }

    private static void addLooks(Match match, Map<Field, Bits> looks) {
        switch (match) {
            case Match.Always m -> {}
            case Match.Masked m -> looks.merge(m.field(), m.mask(), CompiledRule::or);
            case Match.Compare m -> looks.put(m.field(), Bits.ones(m.field().width()));
            case Match.In m -> looks.put(m.field(), Bits.ones(m.field().width()));
            case Match.All m -> m.terms().forEach(term -> addLooks(term, looks));
            case Match.Any m -> m.terms().forEach(term -> addLooks(term, looks));
            case Match.Not m -> addLooks(m.term(), looks);
        }
    }

    private static Bits or(Bits a, Bits b) {
        return new Bits(a.high() | b.high(), a.low() | b.low());
    }

    public int priority() {
        return rule.priority();
    }

    /** Returns false when two masked terms of one field contradict each other. */
    private static boolean split(Match match, List<Match.Masked> terms, List<Match> rest) {
        switch (match) {
            case Match.Always m -> {}
            case Match.Masked m -> {
                int at = 0;
                while (at < terms.size() && terms.get(at).field().compareTo(m.field()) < 0) {
                    at++;
                }
                if (at == terms.size() || terms.get(at).field() != m.field()) {
                    terms.add(at, m);
                } else {
                    Match.Masked known = terms.get(at);
                    Bits common = known.mask().and(m.mask());
                    if (!known.value().and(common).equals(m.value().and(common))) {
                        return false;
                    }
                    terms.set(at, merge(known, m));
                }
            }
            case Match.All m -> {
                for (Match term : m.terms()) {
                    if (!split(term, terms, rest)) {
                        return false;
                    }
                }
            }
            case Match.Any m -> {
                if (m.terms().size() == 1) {
                    return split(m.terms().getFirst(), terms, rest);
                }
                rest.add(m);
            }
            case Match.Compare m -> rest.add(m);
            case Match.In m -> rest.add(m);
            case Match.Not m -> rest.add(m);
        }
        return true;
    }

    private static Match.Masked merge(Match.Masked a, Match.Masked b) {
        return new Match.Masked(a.field(), or(a.value(), b.value()), or(a.mask(), b.mask()));
    }

    /** Actions that write what cannot be written become {@link Action.Unsupported}. */
    private static List<Action> checked(List<Action> actions) {
        List<Action> out = new ArrayList<>(actions.size());
        for (Action action : actions) {
            out.add(
                    switch (action) {
                        case Action.Set a -> writable(a, a.target());
                        case Action.Copy a ->
                                a.source().width() == a.target().width()
                                        ? writable(a, a.target())
                                        : new Action.Unsupported("copy between widths");
                        case Action.Swap a ->
                                a.a().width() == a.b().width()
                                        ? writable(writable(a, a.a()), a.b())
                                        : new Action.Unsupported("swap between widths");
                        case Action.DhcpReply a ->
                                a.options().length <= MAX_DHCP_OPTIONS
                                        ? writable(a, a.result())
                                        : new Action.Unsupported("long DHCP options");
                        case Action.ConntrackCommit a -> assignable(a);
                        case Action.Clone a -> new Action.Clone(checked(a.body()));
                        case Action.Craft a -> new Action.Craft(a.reply(), checked(a.body()));
                        default -> action;
                    });
        }
        return List.copyOf(out);
    }

    private static Action assignable(Action.ConntrackCommit commit) {
        for (Action assignment : commit.assignments()) {
            boolean known =
                    switch (assignment) {
                        case Action.Set a -> isMark(a.target());
                        case Action.Copy a ->
                                isMark(a.target()) && a.source().width() == a.target().width();
                        default -> false;
                    };
            if (!known) {
                return new Action.Unsupported("commit with " + assignment);
            }
        }
        return commit;
    }

    private static boolean isMark(Slice target) {
        return target.field() == Field.CT_MARK || target.field() == Field.CT_LABEL;
    }

    private static Action writable(Action action, Slice target) {
        return switch (target.field()) {
            case DATAPATH,
                    ETH_TYPE,
                    VLAN_TCI,
                    IP_PROTO,
                    IP_FRAG,
                    IP6_LABEL,
                    TCP_FLAGS,
                    CT_STATE,
                    CT_MARK,
                    CT_LABEL ->
                    new Action.Unsupported("write to " + target.field());
            default -> action;
        };
    }
}
