package dev.iod.pipeline;

import dev.iod.engine.Coded;
import java.util.List;

/** A predicate over the fields of one packet. */
public sealed interface Match {
    /** Every packet. */
    record Always() implements Match {}

    /** {@code field & mask == value}; bits of the value outside the mask are zero. */
    record Masked(Field field, Bits value, Bits mask) implements Match {}

    /** Unsigned {@code field <relation> value}. */
    record Compare(Field field, Relation relation, Bits value) implements Match {}

    /** The field is a member of the named set ({@link Entity.SetMember}). */
    record In(Field field, String set) implements Match {}

    record All(List<Match> terms) implements Match {}

    record Any(List<Match> terms) implements Match {}

    record Not(Match term) implements Match {}

    /** Order relations; equality is {@link Masked}, inequality its {@link Not}. */
    enum Relation implements Coded {
        LESS(0),
        LESS_OR_EQUAL(1),
        GREATER(2),
        GREATER_OR_EQUAL(3);

        private final int code;

        Relation(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    static Match equal(Field field, Bits value) {
        return new Masked(field, value, Bits.ones(field.width()));
    }

    static Match equal(Field field, long value) {
        return equal(field, Bits.of(value));
    }
}
