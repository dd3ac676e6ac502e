package dev.iod.eswitch;

import dev.iod.eswitch.Field.Slice;
import java.util.List;

/**
 * The assignments inside a commit: they write the connection's mark and label, not the packet's.
 */
final class MarkAssignments {
    private MarkAssignments() {}

    static Conntrack.Marks apply(Packet p, Conntrack.Marks marks, List<Action> assignments) {
        Conntrack.Marks result = marks;
        for (Action assignment : assignments) {
            result =
                    switch (assignment) {
                        case Action.Set a -> assign(result, a.target(), a.value());
                        case Action.Copy a ->
                                assign(result, a.target(), HeaderFields.read(p, a.source()));
                        default ->
                                throw new EngineException(
                                        EngineException.Category.INVALID,
                                        "a commit can only set and copy, not " + assignment);
                    };
        }
        return result;
    }

    private static Conntrack.Marks assign(Conntrack.Marks marks, Slice target, Bits value) {
        Bits mask = HeaderFields.shiftLeft(Bits.ones(target.width()), target.offset());
        Bits bits = HeaderFields.shiftLeft(value, target.offset()).and(mask);
        return switch (target.field()) {
            case CT_MARK ->
                    new Conntrack.Marks(
                            marks.mark() & ~(int) mask.low() | (int) bits.low(),
                            marks.labelHigh(),
                            marks.labelLow());
            case CT_LABEL ->
                    new Conntrack.Marks(
                            marks.mark(),
                            marks.labelHigh() & ~mask.high() | bits.high(),
                            marks.labelLow() & ~mask.low() | bits.low());
            default ->
                    throw new EngineException(
                            EngineException.Category.INVALID,
                            "a commit cannot assign " + target.field());
        };
    }
}
