package dev.iod.eswitch;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table of one scope, found by tuple-space search: one hash table per signature
 * (which bits of which fields), tried from the highest priority downward. Immutable. The simple
 * twin that tests compare it with tries the rules one by one.
 */
final class Classifier {
    private final Subtable[] subtables;

    /** Bits of every field some rule looks at. */
    final long fields;

    private Classifier(Subtable[] subtables, long fields) {
        this.subtables = subtables;
        this.fields = fields;
    }

    static Classifier of(Collection<CompiledRule> rules) {
        Map<Signature, List<CompiledRule>> bySignature = new HashMap<>();
        long fields = 0;
        for (CompiledRule rule : rules) {
            fields |= rule.fields();
            if (!rule.impossible()) {
                bySignature.computeIfAbsent(Signature.of(rule), key -> new ArrayList<>()).add(rule);
            }
        }
        List<Subtable> subtables = new ArrayList<>(bySignature.size());
        bySignature.forEach(
                (signature, members) -> subtables.add(new Subtable(signature, members)));
        subtables.sort(Comparator.comparingInt((Subtable s) -> s.maxPriority).reversed());
        return new Classifier(subtables.toArray(Subtable[]::new), fields);
    }

    int maxPriority() {
        return subtables.length == 0 ? Integer.MIN_VALUE : subtables[0].maxPriority;
    }

    /** The matching rule of the highest priority above {@code floor}. */
    @Nullable CompiledRule find(Packet packet, PipelineState state, int floor) {
        CompiledRule best = null;
        int above = floor;
        for (Subtable subtable : subtables) {
            if (subtable.maxPriority <= above) {
                break;
            }
            CompiledRule found = subtable.find(packet, state, above);
            if (found != null) {
                best = found;
                above = found.priority();
            }
        }
        return best;
    }

    /** Fields in declaration order with their masks. */
    private record Signature(List<Field> fields, List<Bits> masks) {
        static Signature of(CompiledRule rule) {
            List<Field> fields = new ArrayList<>();
            List<Bits> masks = new ArrayList<>();
            rule.terms()
                    .forEach(
                            (field, term) -> {
                                fields.add(field);
                                masks.add(term.mask());
                            });
            return new Signature(fields, masks);
        }
    }

    /** Open addressing; a slot holds the rules of one value, highest priority first. */
    private static final class Subtable {
        final int maxPriority;
        private final Field[] fields;
        private final long[] lowMasks;
        private final long[] highMasks;
        private final CompiledRule[][] slots;
        private final int slotMask;

        Subtable(Signature signature, List<CompiledRule> rules) {
            int width = signature.fields().size();
            fields = signature.fields().toArray(Field[]::new);
            lowMasks = new long[width];
            highMasks = new long[width];
            for (int i = 0; i < width; i++) {
                lowMasks[i] = signature.masks().get(i).low();
                highMasks[i] = signature.masks().get(i).high();
            }
            Map<List<Bits>, List<CompiledRule>> byValue = new HashMap<>();
            int highest = Integer.MIN_VALUE;
            for (CompiledRule rule : rules) {
                highest = Math.max(highest, rule.priority());
                List<Bits> value = rule.terms().values().stream().map(Match.Masked::value).toList();
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
            long hash = 0;
            for (Bits bits : value) {
                hash = mix(mix(hash, bits.low()), bits.high());
            }
            int slot = fold(hash);
            while (slots[slot] != null) {
                slot = slot + 1 & slotMask;
            }
            slots[slot] = rules.toArray(CompiledRule[]::new);
        }

        @Nullable CompiledRule find(Packet packet, PipelineState state, int floor) {
            long hash = 0;
            for (int i = 0; i < fields.length; i++) {
                long low = packet.low(fields[i]) & lowMasks[i];
                long high = highMasks[i] == 0 ? 0 : packet.high(fields[i]) & highMasks[i];
                hash = mix(mix(hash, low), high);
            }
            int slot = fold(hash);
            while (slots[slot] != null) {
                CompiledRule[] rules = slots[slot];
                if (equal(packet, rules[0])) {
                    return first(rules, packet, state, floor);
                }
                slot = slot + 1 & slotMask;
            }
            return null;
        }

        private static @Nullable CompiledRule first(
                CompiledRule[] rules, Packet packet, PipelineState state, int floor) {
            for (CompiledRule rule : rules) {
                if (rule.priority() <= floor) {
                    return null;
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

        private static long mix(long hash, long value) {
            long mixed = (hash ^ value) * 0x9E37_79B9_7F4A_7C15L;
            return mixed ^ mixed >>> 29;
        }

        private int fold(long hash) {
            return (int) (hash ^ hash >>> 32) & slotMask;
        }
    }
}
