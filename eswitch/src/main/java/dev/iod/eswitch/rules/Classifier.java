package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Hash;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table of one scope, found by tuple-space search: one hash table per signature
 * (which bits of which fields), tried from the highest priority downward. Immutable. The simple
 * twin that tests compare it with tries the rules one by one.
 */
final class Classifier {
    private final Subtable[] subtables;

    private Classifier(Subtable[] subtables) {
        this.subtables = subtables;
    }

    static Classifier of(Collection<CompiledRule> rules) {
        Map<Signature, List<CompiledRule>> bySignature = new HashMap<>();
        for (CompiledRule rule : rules) {
            if (!rule.impossible()) {
                bySignature.computeIfAbsent(Signature.of(rule), key -> new ArrayList<>()).add(rule);
            }
        }
        List<Subtable> subtables = new ArrayList<>(bySignature.size());
        bySignature.forEach(
                (signature, members) -> subtables.add(new Subtable(signature, members)));
        subtables.sort(Comparator.comparingInt((Subtable s) -> s.maxPriority).reversed());
        return new Classifier(subtables.toArray(Subtable[]::new));
    }

    int maxPriority() {
        return subtables.length == 0 ? Integer.MIN_VALUE : subtables[0].maxPriority;
    }

    /**
     * The matching rule of the highest priority above {@code floor}.
     *
     * @param looks told which bits were looked at to find it
     */
    @Nullable CompiledRule find(Packet packet, PipelineState state, int floor, Looks looks) {
        CompiledRule best = null;
        int above = floor;
        for (Subtable subtable : subtables) {
            if (subtable.maxPriority <= above) {
                break;
            }
            CompiledRule found = subtable.find(packet, state, above, looks);
            if (found != null) {
                best = found;
                above = found.priority();
            }
        }
        return best;
    }

    /** Which bits of which fields, in the order they are looked at. */
    private record Signature(List<Field> fields, List<Bits> masks) {
        static Signature of(CompiledRule rule) {
            List<Field> fields = new ArrayList<>(rule.terms().keySet());
            fields.sort(Comparator.comparingInt(Signature::cost).thenComparing(f -> f));
            return new Signature(
                    List.copyOf(fields), fields.stream().map(f -> term(rule, f).mask()).toList());
        }

        /** What every packet has or is known already comes first: it costs a cached path least. */
        private static int cost(Field field) {
            return switch (field) {
                case ETH_TYPE -> 1;
                case IP_PROTO -> 2;
                case ETH_SRC, ETH_DST -> 3;
                case IP4_SRC, IP4_DST, IP6_SRC, IP6_DST -> 4;
                case L4_SRC, L4_DST -> 5;
                case TCP_FLAGS, ICMP_REST -> 6;
                default -> field.compareTo(Field.FLAGS) <= 0 || isConnection(field) ? 0 : 4;
            };
        }

        private static boolean isConnection(Field field) {
            return field.compareTo(Field.CT_STATE) >= 0;
        }
    }

    private static Match.Masked term(CompiledRule rule, Field field) {
        return Objects.requireNonNull(rule.terms().get(field));
    }

    /**
     * Open addressing; a slot holds the rules of one value, highest priority first. A field with
     * few different values is a guard: a packet with another one is turned away there, and what
     * comes after is not looked at.
     */
    private static final class Subtable {
        private static final int MAX_GUARD = 8;
        private static final long[] NO_GUARD = {};

        final int maxPriority;
        private final Field[] fields;
        private final long[] lowMasks;
        private final long[] highMasks;
        private final long[][] guards;
        private final CompiledRule[][] slots;
        private final int slotMask;

        Subtable(Signature signature, List<CompiledRule> rules) {
            int width = signature.fields().size();
            fields = signature.fields().toArray(Field[]::new);
            lowMasks = new long[width];
            highMasks = new long[width];
            guards = new long[width][];
            for (int i = 0; i < width; i++) {
                lowMasks[i] = signature.masks().get(i).low();
                highMasks[i] = signature.masks().get(i).high();
                Field field = fields[i];
                long[] values =
                        rules.stream()
                                .mapToLong(rule -> term(rule, field).value().low())
                                .distinct()
                                .toArray();
                guards[i] = highMasks[i] == 0 && values.length <= MAX_GUARD ? values : NO_GUARD;
            }
            Map<List<Bits>, List<CompiledRule>> byValue = new HashMap<>();
            int highest = Integer.MIN_VALUE;
            for (CompiledRule rule : rules) {
                highest = Math.max(highest, rule.priority());
                List<Bits> value =
                        signature.fields().stream()
                                .map(field -> term(rule, field).value())
                                .toList();
                byValue.computeIfAbsent(value, key -> new ArrayList<>()).add(rule);
            }
            maxPriority = highest;
            int size = Integer.highestOneBit(Math.max(1, byValue.size() * 2 - 1)) << 1;
            slots = new CompiledRule[size][];
            slotMask = size - 1;
            byValue.forEach(this::insert);
        }

        private void insert(List<Bits> value, List<CompiledRule> rules) {
            rules.sort(Comparator.comparingInt(CompiledRule::priority).reversed());
            long hash = Hash.SECRET;
            for (Bits bits : value) {
                hash = Hash.mix(Hash.mix(hash, bits.low()), bits.high());
            }
            int slot = fold(hash);
            while (slots[slot] != null) {
                slot = slot + 1 & slotMask;
            }
            slots[slot] = rules.toArray(CompiledRule[]::new);
        }

        @Nullable CompiledRule find(Packet packet, PipelineState state, int floor, Looks looks) {
            long hash = Hash.SECRET;
            for (int i = 0; i < fields.length; i++) {
                Field field = fields[i];
                long low = packet.low(field) & lowMasks[i];
                long high = highMasks[i] == 0 ? 0 : packet.high(field) & highMasks[i];
                looks.look(packet, field, highMasks[i], lowMasks[i]);
                if (guards[i].length != 0 && !contains(guards[i], low)) {
                    return null;
                }
                hash = Hash.mix(Hash.mix(hash, low), high);
            }
            int slot = fold(hash);
            while (slots[slot] != null) {
                CompiledRule[] rules = slots[slot];
                if (equal(packet, rules[0])) {
                    return first(rules, packet, state, floor, looks);
                }
                slot = slot + 1 & slotMask;
            }
            return null;
        }

        private static boolean contains(long[] values, long value) {
            for (long each : values) {
                if (each == value) {
                    return true;
                }
            }
            return false;
        }

        private static @Nullable CompiledRule first(
                CompiledRule[] rules, Packet packet, PipelineState state, int floor, Looks looks) {
            for (CompiledRule rule : rules) {
                if (rule.priority() <= floor) {
                    return null;
                }
                for (Match.Masked look : rule.looks()) {
                    looks.look(packet, look.field(), look.mask().high(), look.mask().low());
                }
                if (rule.rest().test(packet, state)) {
                    return rule;
                }
            }
            return null;
        }

        private boolean equal(Packet packet, CompiledRule rule) {
            for (Match.Masked term : rule.terms().values()) {
                Field field = term.field();
                if ((packet.low(field) & term.mask().low()) != term.value().low()
                        || (term.mask().high() != 0
                                && (packet.high(field) & term.mask().high())
                                        != term.value().high())) {
                    return false;
                }
            }
            return true;
        }

        private int fold(long hash) {
            return Hash.fold(hash) & slotMask;
        }
    }
}
