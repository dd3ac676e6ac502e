package dev.iod.ovn;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field.Slice;
import java.util.List;

/** Assignments to OVN's fields as assignments to the parts of the engine's fields under them. */
final class Assignments {
    private Assignments() {}

    /** The bits of a constant's mask, part by part. */
    static void set(Span target, Constant constant, List<Action> out) {
        Bits mask = constant.mask().and(Span.ones(target.width()));
        int start = 0;
        for (Slice part : target.parts()) {
            Bits ones = Span.ones(part.width());
            Bits partMask = mask.shiftRight(start).and(ones);
            Bits partValue = constant.value().shiftRight(start).and(ones);
            setRuns(part, partValue, partMask, out);
            start += part.width();
        }
    }

    /** One Set per run of ones in the mask. */
    private static void setRuns(Slice part, Bits value, Bits mask, List<Action> out) {
        if (Span.same(mask, Span.ones(part.width()))) {
            out.add(new Action.Set(part, value));
            return;
        }
        int bit = 0;
        while (bit < part.width()) {
            if ((mask.shiftRight(bit).low() & 1) == 0) {
                bit++;
                continue;
            }
            int end = bit;
            while (end < part.width() && (mask.shiftRight(end).low() & 1) != 0) {
                end++;
            }
            Slice run = part.field().slice(part.offset() + bit, end - bit);
            out.add(new Action.Set(run, value.shiftRight(bit).and(Bits.ones(end - bit))));
            bit = end;
        }
    }

    /** Copies b to a, or exchanges them, part by part; they are of one width. */
    static void pieces(Span a, Span b, boolean swap, List<Action> out) {
        if (a.parts().size() == 1 && b.parts().size() == 1) {
            Slice to = a.parts().getFirst();
            Slice from = b.parts().getFirst();
            out.add(swap ? new Action.Swap(to, from) : new Action.Copy(from, to));
            return;
        }
        int width = a.width();
        int at = 0;
        while (at < width) {
            Slice left = a.sub(at, width - at).parts().getFirst();
            Slice right = b.sub(at, width - at).parts().getFirst();
            int bits = Math.min(left.width(), right.width());
            Slice to = left.field().slice(left.offset(), bits);
            Slice from = right.field().slice(right.offset(), bits);
            out.add(swap ? new Action.Swap(to, from) : new Action.Copy(from, to));
            at += bits;
        }
    }
}
