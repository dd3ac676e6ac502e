package dev.iod.eswitch.packet;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;

/** Takes note of what was looked at to decide about a packet: whoever looks must say so. */
public interface Looks {
    /** The packet's way depends on these bits of a field as it is now. */
    void look(Packet p, Field field, long high, long low);

    default void look(Packet p, Field field) {
        int width = field.width();
        look(p, field, width > 64 ? -1 : 0, width >= 64 ? -1 : (1L << width) - 1);
    }

    default void look(Packet p, Slice slice) {
        Bits mask = Bits.ones(slice.width()).shiftLeft(slice.offset());
        look(p, slice.field(), mask.high(), mask.low());
    }
}
