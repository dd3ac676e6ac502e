package dev.iod.eswitch;

import java.util.ArrayList;
import java.util.List;

/** One copy of a cached flow's packet: header fields with their final values, and where it goes. */
final class FlowOutput {
    private static final Field[] FIELDS = Field.values();

    private final Field[] fields;
    private final long[] highs;
    private final long[] lows;
    final Target target;

    /** Where a packet leaves. */
    sealed interface Target {
        /**
         * @param inPort logical port the packet entered by, which a local service is told
         */
        record Device(int device, long inPort) implements Target {}

        /**
         * @param metadata ingress port key << 16 | egress port or group key
         */
        record Tunnel(int address, int datapath, int metadata) implements Target {}
    }

    private FlowOutput(Field[] fields, long[] highs, long[] lows, Target target) {
        this.fields = fields;
        this.highs = highs;
        this.lows = lows;
        this.target = target;
    }

    /**
     * @param modified header fields that were written, as bits of their ordinals
     */
    static FlowOutput of(Packet p, long modified, Target target) {
        int count = Long.bitCount(modified);
        Field[] fields = new Field[count];
        long[] highs = new long[count];
        long[] lows = new long[count];
        long left = modified;
        for (int i = 0; i < count; i++) {
            fields[i] = FIELDS[Long.numberOfTrailingZeros(left)];
            left &= left - 1;
            highs[i] = p.high(fields[i]);
            lows[i] = p.low(fields[i]);
        }
        return new FlowOutput(fields, highs, lows, target);
    }

    void rewrite(Packet p) {
        for (int i = 0; i < fields.length; i++) {
            HeaderFields.write(p, fields[i], highs[i], lows[i]);
        }
    }

    boolean rewrites() {
        return fields.length != 0;
    }

    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < fields.length; i++) {
            String high = highs[i] == 0 ? "" : Long.toHexString(highs[i]) + ":";
            parts.add(fields[i] + "=" + high + Long.toHexString(lows[i]));
        }
        parts.add(target.toString());
        return String.join(",", parts);
    }
}
