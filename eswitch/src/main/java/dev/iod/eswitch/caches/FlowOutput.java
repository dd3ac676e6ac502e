package dev.iod.eswitch.caches;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Field;
import java.util.ArrayList;
import java.util.List;

/**
 * One copy of a cached flow's packet: header fields with their final values, and where it goes. The
 * usual rewrites and the target are fields of this object, so that a hit reads one cache line here.
 */
public final class FlowOutput {
    private static final Field[] FIELDS = Field.values();
    private static final long[] NOTHING = {};
    private static final long SIMPLE =
            Field.ETH_DST.bit() | Field.ETH_SRC.bit() | Field.IP_TTL.bit();

    /** Final values; -1 = not rewritten. */
    private final long ethDst;

    private final long ethSrc;
    private final int ttl;

    /** Further rewrites, three words each: ordinal, high, low. */
    private final long[] more;

    /** Device number, or {@link #TUNNEL}. */
    public final int device;

    /** Logical port the packet entered by, which a local service is told. */
    public final long inPort;

    /** The other end of the tunnel, its VNI and the metadata option's value. */
    public final int address;

    public final int datapath;
    public final int metadata;

    public static final int TUNNEL = -1;

    /** Where a packet leaves. */
    public record Target(int device, long inPort, int address, int datapath, int metadata) {
        public static Target device(int device, long inPort) {
            return new Target(device, inPort, 0, 0, 0);
        }

        /**
         * @param metadata ingress port key << 16 | egress port or group key
         */
        public static Target tunnel(int address, int datapath, int metadata) {
            return new Target(TUNNEL, 0, address, datapath, metadata);
        }
    }

    /**
     * Takes the values the packet has now.
     *
     * @param modified header fields that were written, as bits of their ordinals
     */
    public FlowOutput(Packet p, long modified, Target target) {
        ethDst = (modified & Field.ETH_DST.bit()) == 0 ? -1 : p.low(Field.ETH_DST);
        ethSrc = (modified & Field.ETH_SRC.bit()) == 0 ? -1 : p.low(Field.ETH_SRC);
        ttl = (modified & Field.IP_TTL.bit()) == 0 ? -1 : (int) p.low(Field.IP_TTL);
        long left = modified & ~SIMPLE;
        more = left == 0 ? NOTHING : new long[Long.bitCount(left) * 3];
        for (int i = 0; left != 0; i += 3) {
            Field field = FIELDS[Long.numberOfTrailingZeros(left)];
            left &= left - 1;
            more[i] = field.ordinal();
            more[i + 1] = p.high(field);
            more[i + 2] = p.low(field);
        }
        device = target.device();
        inPort = target.inPort();
        address = target.address();
        datapath = target.datapath();
        metadata = target.metadata();
    }

    public void rewrite(Packet p) {
        if (ethDst >= 0) {
            p.put48(0, ethDst);
        }
        if (ethSrc >= 0) {
            p.put48(6, ethSrc);
        }
        if (ttl >= 0) {
            HeaderFields.writeTtl(p, ttl);
        }
        for (int i = 0; i < more.length; i += 3) {
            HeaderFields.write(p, FIELDS[(int) more[i]], more[i + 1], more[i + 2]);
        }
    }

    public boolean rewrites() {
        return ethDst >= 0 || ethSrc >= 0 || ttl >= 0 || more.length != 0;
    }

    @Override
    public String toString() {
        List<String> parts = new ArrayList<>();
        if (ethDst >= 0) {
            parts.add("ETH_DST=" + Long.toHexString(ethDst));
        }
        if (ethSrc >= 0) {
            parts.add("ETH_SRC=" + Long.toHexString(ethSrc));
        }
        if (ttl >= 0) {
            parts.add("IP_TTL=" + ttl);
        }
        for (int i = 0; i < more.length; i += 3) {
            String high = more[i + 1] == 0 ? "" : Long.toHexString(more[i + 1]) + ":";
            parts.add(FIELDS[(int) more[i]] + "=" + high + Long.toHexString(more[i + 2]));
        }
        parts.add(
                device != TUNNEL
                        ? "device=" + device
                        : "tunnel="
                                + Integer.toHexString(address)
                                + ",vni="
                                + datapath
                                + ",ports="
                                + Integer.toHexString(metadata));
        return String.join(",", parts);
    }
}
