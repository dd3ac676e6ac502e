package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** The members of a set, one hash lookup for each different mask. Immutable. */
final class SetMatcher {
    static final SetMatcher EMPTY = new SetMatcher(new UnderMask[0]);

    private final UnderMask[] masks;

    /** Members of one mask: their values, and nothing of interest with each. */
    private record UnderMask(Bits mask, PersistentMap<Bits, Boolean> values) {}

    private SetMatcher(UnderMask[] masks) {
        this.masks = masks;
    }

    /** With one more member; it shares all but the path to it. */
    SetMatcher with(Masked member) {
        return change(member.mask(), valuesUnder(member.mask()).with(member.value(), true));
    }

    SetMatcher without(Masked member) {
        return change(member.mask(), valuesUnder(member.mask()).without(member.value()));
    }

    private PersistentMap<Bits, Boolean> valuesUnder(Bits mask) {
        for (UnderMask known : masks) {
            if (known.mask().equals(mask)) {
                return known.values();
            }
        }
        return PersistentMap.empty();
    }

    private SetMatcher change(Bits mask, PersistentMap<Bits, Boolean> values) {
        List<UnderMask> next = new ArrayList<>(List.of(masks));
        next.removeIf(known -> known.mask().equals(mask));
        if (values.size() > 0) {
            next.add(new UnderMask(mask, values));
        }
        return next.isEmpty() ? EMPTY : new SetMatcher(next.toArray(UnderMask[]::new));
    }

    boolean isEmpty() {
        return masks.length == 0;
    }

    boolean contains(Packet packet, Field field) {
        if (masks.length == 0) {
            return false;
        }
        Bits value = new Bits(packet.high(field), packet.low(field));
        for (UnderMask members : masks) {
            if (members.values().get(value.and(members.mask())) != null) {
                return true;
            }
        }
        return false;
    }

    /** All members, in an order of their own. */
    @Override
    public String toString() {
        TreeSet<String> members = new TreeSet<>();
        for (UnderMask under : masks) {
            under.values().forEach((value, one) -> members.add(value + "/" + under.mask()));
        }
        return members.toString();
    }
}
