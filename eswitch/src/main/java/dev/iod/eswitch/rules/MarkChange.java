package dev.iod.eswitch.rules;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field.Slice;
import java.util.List;

/** How a commit changes a connection's mark and label: the bits under the masks are replaced. */
public record MarkChange(
        int mark,
        int markMask,
        long labelHigh,
        long labelHighMask,
        long labelLow,
        long labelLowMask) {
    public static final MarkChange NONE = new MarkChange(0, 0, 0, 0, 0, 0);

    /** What the assignments inside a commit do for this packet; they go to no field of it. */
    public static MarkChange of(Packet p, List<Action> assignments) {
        MarkChange change = NONE;
        for (Action assignment : assignments) {
            change =
                    switch (assignment) {
                        case Action.Set a -> change.and(a.target(), a.value());
                        case Action.Copy a ->
                                change.and(a.target(), HeaderFields.read(p, a.source()));
                        default ->
                                throw new EngineException(
                                        EngineException.Category.INVALID,
                                        "a commit can only set and copy, not " + assignment);
                    };
        }
        return change;
    }

    private MarkChange and(Slice target, Bits value) {
        Bits mask = Bits.ones(target.width()).shiftLeft(target.offset());
        Bits bits = value.shiftLeft(target.offset()).and(mask);
        return switch (target.field()) {
            case CT_MARK ->
                    new MarkChange(
                            mark & ~(int) mask.low() | (int) bits.low(),
                            markMask | (int) mask.low(),
                            labelHigh,
                            labelHighMask,
                            labelLow,
                            labelLowMask);
            case CT_LABEL ->
                    new MarkChange(
                            mark,
                            markMask,
                            labelHigh & ~mask.high() | bits.high(),
                            labelHighMask | mask.high(),
                            labelLow & ~mask.low() | bits.low(),
                            labelLowMask | mask.low());
            default ->
                    throw new EngineException(
                            EngineException.Category.INVALID,
                            "a commit cannot assign " + target.field());
        };
    }
}
