package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Hash;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table of one scope, found by tuple-space search: one hash table per signature
 * (which bits of which fields), tried from the highest priority downward. Immutable. The simple
 * twin that tests compare it with tries the rules one by one.
 */
final class Classifier {
    static final Classifier EMPTY = new Classifier(new Subtable[0]);

    private final Subtable[] subtables;

    /** Rules of one signature that come and go. */
    private record Edit(List<CompiledRule> added, List<CompiledRule> removed) {
        Edit() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    private Classifier(Subtable[] subtables) {
        this.subtables = subtables;
    }

    static Classifier of(Collection<CompiledRule> rules) {
        return EMPTY.change(rules, List.of());
    }

    /** These rules and others; it shares all hash tables and pages of them that stay the same. */
    Classifier change(Collection<CompiledRule> added, Collection<CompiledRule> removed) {
        Map<Signature, Edit> edits = new LinkedHashMap<>();
        added.forEach(rule -> edit(edits, rule).added().add(rule));
        removed.forEach(rule -> edit(edits, rule).removed().add(rule));
        List<Subtable> next = new ArrayList<>();
        for (Subtable subtable : subtables) {
            Edit edit = edits.remove(subtable.signature);
            Subtable changed = edit == null ? subtable : subtable.change(edit);
            if (changed.rules > 0) {
                next.add(changed);
            }
        }
        edits.forEach((signature, edit) -> next.add(new Subtable(signature, edit.added())));
        next.removeIf(subtable -> subtable.rules == 0);
        next.sort(Comparator.comparingInt(Subtable::maxPriority).reversed());
        return new Classifier(next.toArray(Subtable[]::new));
    }

    /** A rule that matches nothing is in no table. */
    private static Edit edit(Map<Signature, Edit> edits, CompiledRule rule) {
        return rule.impossible()
                ? new Edit()
                : edits.computeIfAbsent(Signature.of(rule), key -> new Edit());
    }

    /** All rules but those that match nothing. */
    void forEach(Consumer<CompiledRule> what) {
        for (Subtable subtable : subtables) {
            subtable.forEach(what);
        }
    }

    boolean isEmpty() {
        return subtables.length == 0;
    }

    int maxPriority() {
        return isEmpty() ? Integer.MIN_VALUE : subtables[0].maxPriority();
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
            if (subtable.maxPriority() <= above) {
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
        private static final Comparator<Match.Masked> BY_COST =
                Comparator.<Match.Masked>comparingInt(term -> cost(term.field()))
                        .thenComparing(Match.Masked::field);

        static Signature of(CompiledRule rule) {
            Match.Masked[] terms = rule.terms().toArray(new Match.Masked[0]);
            Arrays.sort(terms, BY_COST);
            Field[] fields = new Field[terms.length];
            Bits[] masks = new Bits[terms.length];
            for (int i = 0; i < terms.length; i++) {
                fields[i] = terms[i].field();
                masks[i] = terms[i].mask();
            }
            return new Signature(List.of(fields), List.of(masks));
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
        for (Match.Masked term : rule.terms()) {
            if (term.field() == field) {
                return term;
            }
        }
        throw new IllegalArgumentException("no term of " + field);
    }

    /** All rules of one value, highest priority first; others of the same slot follow. */
    private record Value(CompiledRule[] rules, @Nullable Value next) {}

    /**
     * A hash table of values in pages, of which a change copies those it touches. A field with few
     * different values is a guard: a packet with another one is turned away there, and what comes
     * after is not looked at. Guards of rules that went may stay until the table is made anew.
     */
    private static final class Subtable {
        private static final int MAX_GUARD = 8;
        private static final long[] NO_GUARD = {};
        private static final CompiledRule[] NO_RULES = {};
        private static final Comparator<CompiledRule> DESCENDING =
                Comparator.comparingInt(CompiledRule::priority).reversed();
        private static final int PAGE_BITS = 8;
        private static final int PAGE = 1 << PAGE_BITS;

        /** Rules up to which a changed table is made anew. */
        private static final int SMALL = 32;

        final Signature signature;
        final int rules;
        private final int values;
        private final int[] priorities;
        private final int[] priorityCounts;
        private final Field[] fields;
        private final long[] lowMasks;
        private final long[] highMasks;
        private final long[][] guards;
        private final @Nullable Value[][] pages;
        private final int slotMask;
        private final int pageMask;

        /** A table made anew. */
        Subtable(Signature signature, Collection<CompiledRule> members) {
            this(
                    signature,
                    members.size(),
                    byValue(signature, members),
                    guards(signature, members),
                    priorities(members));
        }

        private Subtable(
                Signature signature,
                int rules,
                Map<List<Bits>, List<CompiledRule>> byValue,
                long[][] guards,
                NavigableMap<Integer, Integer> priorities) {
            this(signature, rules, byValue.size(), guards, priorities, pages(byValue.size()));
            byValue.forEach((value, members) -> put(pages, value, members, List.of()));
        }

        private Subtable(
                Signature signature,
                int rules,
                int values,
                long[][] guards,
                NavigableMap<Integer, Integer> priorities,
                @Nullable Value[][] pages) {
            this.signature = signature;
            this.rules = rules;
            this.values = values;
            this.priorities =
                    priorities.descendingKeySet().stream().mapToInt(Integer::intValue).toArray();
            this.priorityCounts =
                    priorities.descendingMap().values().stream()
                            .mapToInt(Integer::intValue)
                            .toArray();
            int width = signature.fields().size();
            fields = signature.fields().toArray(Field[]::new);
            lowMasks = new long[width];
            highMasks = new long[width];
            for (int i = 0; i < width; i++) {
                lowMasks[i] = signature.masks().get(i).low();
                highMasks[i] = signature.masks().get(i).high();
            }
            this.guards = guards;
            this.pages = pages;
            this.pageMask = pages[0].length - 1;
            this.slotMask = pages.length * pages[0].length - 1;
        }

        private static @Nullable Value[][] pages(int values) {
            int slots = Integer.highestOneBit(Math.max(1, values * 2 - 1)) << 1;
            return new Value[Math.max(1, slots / PAGE)][Math.min(slots, PAGE)];
        }

        private static long[][] guards(Signature signature, Collection<CompiledRule> rules) {
            long[][] guards = new long[signature.fields().size()][];
            for (int i = 0; i < guards.length; i++) {
                Field field = signature.fields().get(i);
                long[] seen = new long[MAX_GUARD + 1];
                int count = 0;
                for (CompiledRule rule : rules) {
                    long value = term(rule, field).value().low();
                    if (!known(seen, count, value)) {
                        seen[count++] = value;
                        if (count > MAX_GUARD) {
                            break;
                        }
                    }
                }
                boolean narrow = signature.masks().get(i).high() == 0;
                guards[i] = narrow && count <= MAX_GUARD ? Arrays.copyOf(seen, count) : NO_GUARD;
            }
            return guards;
        }

        private static boolean known(long[] seen, int count, long value) {
            for (int i = 0; i < count; i++) {
                if (seen[i] == value) {
                    return true;
                }
            }
            return false;
        }

        private static NavigableMap<Integer, Integer> priorities(Collection<CompiledRule> rules) {
            NavigableMap<Integer, Integer> counts = new TreeMap<>();
            rules.forEach(rule -> counts.merge(rule.priority(), 1, Integer::sum));
            return counts;
        }

        private static Map<List<Bits>, List<CompiledRule>> byValue(
                Signature signature, Collection<CompiledRule> rules) {
            Map<List<Bits>, List<CompiledRule>> byValue = HashMap.newHashMap(rules.size());
            for (CompiledRule rule : rules) {
                byValue.computeIfAbsent(value(signature, rule), key -> new ArrayList<>(1))
                        .add(rule);
            }
            return byValue;
        }

        private static List<Bits> value(Signature signature, CompiledRule rule) {
            Bits[] value = new Bits[signature.fields().size()];
            for (int i = 0; i < value.length; i++) {
                value[i] = term(rule, signature.fields().get(i)).value();
            }
            return Arrays.asList(value);
        }

        private static boolean hasValue(Signature signature, CompiledRule rule, List<Bits> value) {
            for (int i = 0; i < value.size(); i++) {
                if (!term(rule, signature.fields().get(i)).value().equals(value.get(i))) {
                    return false;
                }
            }
            return true;
        }

        int maxPriority() {
            return priorities.length == 0 ? Integer.MIN_VALUE : priorities[0];
        }

        /** This table without some rules and with others. */
        Subtable change(Edit edit) {
            int count = rules + edit.added().size() - edit.removed().size();
            Map<List<Bits>, List<CompiledRule>> added = byValue(signature, edit.added());
            if (count <= SMALL || values + added.size() > slotMask + 1) {
                return new Subtable(signature, remaining(edit));
            }
            Map<List<Bits>, List<CompiledRule>> removed = byValue(signature, edit.removed());
            Set<List<Bits>> touched = new HashSet<>(added.keySet());
            touched.addAll(removed.keySet());
            @Nullable Value[][] next = pages.clone();
            int grown = 0;
            for (List<Bits> value : touched) {
                int page = slot(value, next) >>> PAGE_BITS;
                if (next[page] == pages[page]) {
                    next[page] = pages[page].clone();
                }
                grown +=
                        put(
                                next,
                                value,
                                added.getOrDefault(value, List.of()),
                                removed.getOrDefault(value, List.of()));
            }
            return new Subtable(
                    signature,
                    count,
                    values + grown,
                    widened(edit.added()),
                    priorities(edit),
                    next);
        }

        private List<CompiledRule> remaining(Edit edit) {
            Set<CompiledRule> gone = Collections.newSetFromMap(new IdentityHashMap<>());
            gone.addAll(edit.removed());
            List<CompiledRule> all = new ArrayList<>(edit.added());
            forEach(
                    rule -> {
                        if (!gone.contains(rule)) {
                            all.add(rule);
                        }
                    });
            return all;
        }

        void forEach(Consumer<CompiledRule> what) {
            for (@Nullable Value[] page : pages) {
                for (Value first : page) {
                    for (Value value = first; value != null; value = value.next()) {
                        for (CompiledRule rule : value.rules()) {
                            what.accept(rule);
                        }
                    }
                }
            }
        }

        private long[][] widened(List<CompiledRule> added) {
            long[][] more = guards(signature, added);
            long[][] next = guards.clone();
            for (int i = 0; i < next.length; i++) {
                if (next[i].length != 0 && !added.isEmpty()) {
                    long[] both =
                            LongStream.concat(LongStream.of(next[i]), LongStream.of(more[i]))
                                    .distinct()
                                    .toArray();
                    boolean few = more[i].length != 0 && both.length <= MAX_GUARD;
                    next[i] = few ? both : NO_GUARD;
                }
            }
            return next;
        }

        private NavigableMap<Integer, Integer> priorities(Edit edit) {
            NavigableMap<Integer, Integer> counts = new TreeMap<>();
            for (int i = 0; i < priorities.length; i++) {
                counts.put(priorities[i], priorityCounts[i]);
            }
            edit.added().forEach(rule -> counts.merge(rule.priority(), 1, Integer::sum));
            edit.removed().forEach(rule -> counts.merge(rule.priority(), -1, Integer::sum));
            counts.values().removeIf(count -> count == 0);
            return counts;
        }

        /** Changes the rules of one value; by how many values there are more now. */
        private int put(
                @Nullable Value[][] pages,
                List<Bits> value,
                List<CompiledRule> added,
                List<CompiledRule> removed) {
            int slot = slot(value, pages);
            @Nullable Value[] page = pages[slot >>> PAGE_BITS];
            int index = slot & page.length - 1;
            Value others = null;
            CompiledRule[] before = NO_RULES;
            for (Value known = page[index]; known != null; known = known.next()) {
                if (hasValue(signature, known.rules()[0], value)) {
                    before = known.rules();
                } else {
                    others = new Value(known.rules(), others);
                }
            }
            CompiledRule[] now =
                    before.length == 0
                            ? added.toArray(CompiledRule[]::new)
                            : changed(before, added, removed);
            int grown = Integer.signum(now.length) - Integer.signum(before.length);
            if (now.length == 0) {
                page[index] = others;
                return grown;
            }
            if (now.length > 1) {
                Arrays.sort(now, DESCENDING);
            }
            page[index] = new Value(now, others);
            return grown;
        }

        private static CompiledRule[] changed(
                CompiledRule[] before, List<CompiledRule> added, List<CompiledRule> removed) {
            Set<CompiledRule> now = Collections.newSetFromMap(new IdentityHashMap<>());
            now.addAll(Arrays.asList(before));
            removed.forEach(now::remove);
            now.addAll(added);
            return now.toArray(CompiledRule[]::new);
        }

        private static int slot(List<Bits> value, @Nullable Value[][] pages) {
            long hash = Hash.SECRET;
            for (Bits bits : value) {
                hash = Hash.mix(Hash.mix(hash, bits.low()), bits.high());
            }
            return Hash.fold(hash) & pages.length * pages[0].length - 1;
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
            int slot = Hash.fold(hash) & slotMask;
            Value value = pages[slot >>> PAGE_BITS][slot & pageMask];
            while (value != null) {
                if (equal(packet, value.rules()[0])) {
                    return first(value.rules(), packet, state, floor, looks);
                }
                value = value.next();
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
            for (Match.Masked term : rule.terms()) {
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
    }
}
