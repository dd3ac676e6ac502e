package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.ValueSet;
import dev.iod.pipeline.Field;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The members of a {@link ValueSet}, one hash lookup per distinct mask. Immutable. */
final class SetMatcher {
    static final SetMatcher EMPTY = new SetMatcher(Map.of());

    private final Bits[] masks;
    private final Set<Bits>[] values;

    private SetMatcher(Map<Bits, Set<Bits>> byMask) {
        masks = byMask.keySet().toArray(Bits[]::new);
        values = newArray(masks.length);
        for (int i = 0; i < masks.length; i++) {
            values[i] = Set.copyOf(byMask.getOrDefault(masks[i], Set.of()));
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
    private static Set<Bits>[] newArray(int length) {
        return new Set[length];
    }

    static SetMatcher of(ValueSet set) {
        Map<Bits, Set<Bits>> byMask = new HashMap<>();
        for (ValueSet.Member member : set.members()) {
            byMask.computeIfAbsent(member.mask(), mask -> new HashSet<>())
                    .add(member.value().and(member.mask()));
        }
        return new SetMatcher(byMask);
    }

    boolean contains(Packet packet, Field field) {
        if (masks.length == 0) {
            return false;
        }
        Bits value = new Bits(packet.high(field), packet.low(field));
        for (int i = 0; i < masks.length; i++) {
            if (values[i].contains(value.and(masks[i]))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return Arrays.toString(masks) + Arrays.toString(values);
    }
}
