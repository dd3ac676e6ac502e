package dev.iod.eswitch.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The tuple-space search against its simple twin: try every rule, evaluating the match tree. */
final class ClassifierTest {
    private static final Field[] FIELDS = {
        Field.IN_PORT,
        Field.REG0,
        Field.ETH_DST,
        Field.IP4_SRC,
        Field.L4_DST,
        Field.IP6_DST,
        Field.CT_LABEL
    };

    private static final SetMatcher SET =
            SetMatcher.EMPTY
                    .with(new Masked(Bits.of(1), Bits.ones(128)))
                    .with(new Masked(Bits.of(4), Bits.of(6)));

    private final SplittableRandom random = new SplittableRandom(20261122);
    private final PipelineState state =
            new PipelineState(
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.<String, SetMatcher>empty().with("set", SET),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    java.util.Set.of());

    private final Looks looks = (packet, field, high, low) -> {};

    @Test
    void agreesWithTheLinearTwin() {
        Packet p =
                TestPackets.parsed(
                        Frames.ethernet(2, 4, 0x0800, Frames.udp4(1, 2, 3, 4, new byte[4])));
        for (int round = 0; round < 300; round++) {
            List<CompiledRule> rules = new ArrayList<>();
            int count = random.nextInt(60);
            for (int i = 0; i < count; i++) {
                // Distinct priorities: which of two equal ones wins is not defined.
                rules.add(CompiledRule.of(rule(i, i * 7919 % 65521, match(0))));
            }
            Classifier classifier = Classifier.of(rules);
            for (int i = 0; i < 100; i++) {
                fill(p);
                assertThat(classifier.find(p, state, Integer.MIN_VALUE, looks))
                        .isSameAs(naive(rules, p));
            }
        }
    }

    /**
     * A table changed rule by rule, and many at once, finds what one made of the same rules does.
     */
    @Test
    void changedIsAsMadeAnew() {
        Packet p =
                TestPackets.parsed(
                        Frames.ethernet(2, 4, 0x0800, Frames.udp4(1, 2, 3, 4, new byte[4])));
        for (int round = 0; round < 20; round++) {
            List<CompiledRule> rules = new ArrayList<>();
            Classifier changed = Classifier.EMPTY;
            int next = 0;
            for (int step = 0; step < 60; step++) {
                List<CompiledRule> added = new ArrayList<>();
                int most = random.nextInt(10) == 0 ? 400 : 4;
                for (int i = 0; i < random.nextInt(most); i++) {
                    added.add(CompiledRule.of(rule(next, next * 7919 % 65521, wide(most))));
                    next++;
                }
                List<CompiledRule> removed = new ArrayList<>();
                for (int i = 0; i < random.nextInt(most) && !rules.isEmpty(); i++) {
                    removed.add(rules.remove(random.nextInt(rules.size())));
                }
                rules.addAll(added);
                changed = changed.change(added, removed);
                Classifier anew = Classifier.of(rules);
                assertThat(changed.maxPriority()).isEqualTo(anew.maxPriority());
                for (int i = 0; i < 20; i++) {
                    fill(p);
                    assertThat(changed.find(p, state, Integer.MIN_VALUE, looks))
                            .isSameAs(anew.find(p, state, Integer.MIN_VALUE, looks));
                }
            }
        }
    }

    /** Many values of one field, so that tables have pages. */
    private Match wide(int most) {
        return most > 4 || random.nextBoolean()
                ? Match.equal(Field.REG0, random.nextInt(1000))
                : match(0);
    }

    private void fill(Packet p) {
        p.inPort = random.nextInt(4);
        p.registers[0] = random.nextInt(random.nextBoolean() ? 8 : 1000);
        p.ctLabelLow = random.nextInt(4);
        p.ctLabelHigh = random.nextInt(4);
        HeaderFields.write(p, Field.ETH_DST, 0, random.nextInt(4));
        HeaderFields.write(p, Field.IP4_SRC, 0, random.nextInt(8));
        HeaderFields.write(p, Field.L4_DST, 0, random.nextInt(4));
    }

    private static Entity.Rule rule(long id, int priority, Match match) {
        return new Entity.Rule(
                id, "r" + id, 1, Action.Stage.INGRESS, 0, priority, match, List.of());
    }

    private Match match(int depth) {
        int kind = random.nextInt(depth > 3 ? 4 : 8);
        Field field = FIELDS[random.nextInt(FIELDS.length)];
        return switch (kind) {
            case 0 -> new Match.Always();
            case 1 -> {
                Bits mask = new Bits(field.width() > 64 ? random.nextInt(4) : 0, random.nextInt(8));
                Bits value = new Bits(random.nextInt(4), random.nextInt(8)).and(mask);
                yield new Match.Masked(field, value, mask);
            }
            case 2 ->
                    new Match.Compare(
                            field,
                            Match.Relation.values()[random.nextInt(4)],
                            Bits.of(random.nextInt(8)));
            case 3 -> new Match.In(field, random.nextBoolean() ? "set" : "missing");
            case 4, 5 -> new Match.All(terms(depth));
            case 6 -> new Match.Any(terms(depth));
            default -> new Match.Not(match(depth + 1));
        };
    }

    private List<Match> terms(int depth) {
        List<Match> terms = new ArrayList<>();
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            terms.add(match(depth + 1));
        }
        return terms;
    }

    private static @Nullable CompiledRule naive(List<CompiledRule> rules, Packet p) {
        CompiledRule best = null;
        for (CompiledRule rule : rules) {
            if ((best == null || rule.priority() > best.priority())
                    && evaluate(rule.rule().match(), p)) {
                best = rule;
            }
        }
        return best;
    }

    private static boolean evaluate(Match match, Packet p) {
        return switch (match) {
            case Match.Always m -> true;
            case Match.Masked m ->
                    new Bits(p.high(m.field()), p.low(m.field())).and(m.mask()).equals(m.value());
            case Match.Compare m -> {
                int high = Long.compareUnsigned(p.high(m.field()), m.value().high());
                int order =
                        high != 0 ? high : Long.compareUnsigned(p.low(m.field()), m.value().low());
                yield switch (m.relation()) {
                    case LESS -> order < 0;
                    case LESS_OR_EQUAL -> order <= 0;
                    case GREATER -> order > 0;
                    case GREATER_OR_EQUAL -> order >= 0;
                };
            }
            case Match.In m -> m.set().equals("set") && isMember(p, m.field());
            case Match.All m -> m.terms().stream().allMatch(term -> evaluate(term, p));
            case Match.Any m -> m.terms().stream().anyMatch(term -> evaluate(term, p));
            case Match.Not m -> !evaluate(m.term(), p);
        };
    }

    private static boolean isMember(Packet p, Field field) {
        Bits value = new Bits(p.high(field), p.low(field));
        return value.equals(Bits.of(1)) || value.and(Bits.of(6)).equals(Bits.of(4));
    }
}
