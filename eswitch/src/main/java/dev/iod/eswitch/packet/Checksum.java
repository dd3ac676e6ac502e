package dev.iod.eswitch.packet;

import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Memory;

/** The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
public final class Checksum {
    private Checksum() {}

    /** The checksum of an area whose checksum field is zero; 0 over a correct area. */
    public static int of(long address, int length) {
        return finish(sum(address, length, 0));
    }

    /** Adds an area's 16-bit words to a running sum, which may be any number of carries wide. */
    public static long sum(long address, int length, long start) {
        long base = Memory.base(address);
        long sum = start;
        int at = 0;
        for (; at + 4 <= length; at += 4) {
            sum += Memory.readIntNetwork(base + at) & 0xffff_ffffL;
        }
        if (at + 2 <= length) {
            sum += Memory.readShortNetwork(base + at);
            at += 2;
        }
        if (at < length) {
            sum += (long) Memory.readByte(base + at) << 8;
        }
        return sum;
    }

    /** Folds the carries in; as often as 64 bits can need, which is cheaper than to look. */
    public static int finish(long sum) {
        long folded = (sum & 0xffff_ffffL) + (sum >>> 32);
        folded = (folded & 0xffff_ffffL) + (folded >>> 32);
        folded = (folded & 0xffff) + (folded >>> 16);
        folded = (folded & 0xffff) + (folded >>> 16);
        return (int) ~folded & 0xffff;
    }

    /** Replaces a 16-bit word covered by the checksum: HC' = ~(~HC + ~m + m') (RFC 1624 §3). */
    public static int replace(int checksum, int before, int after) {
        return finish((~checksum & 0xffffL) + (~before & 0xffffL) + (after & 0xffffL));
    }

    /** The sum of the pseudo-header of RFC 768/8200 §8.1 for the packet's addresses. */
    static long pseudoHeader(Packet p, int protocol, int length) {
        long start = protocol + length;
        return p.ipVersion == 4
                ? sum(p.address + p.l3 + 12, 8, start)
                : sum(p.address + p.l3 + 8, 32, start);
    }

    /** Writes the IPv4 header's checksum. */
    public static void writeIp4(Packet p) {
        p.put16(p.l3 + 10, 0);
        p.put16(p.l3 + 10, of(p.address + p.l3, (p.u8(p.l3) & 15) * 4));
    }

    /** Writes the transport checksum of a whole packet made by the engine, at this offset in l4. */
    public static void writeTransport(Packet p, int offset) {
        int length = p.length - p.l4;
        p.put16(p.l4 + offset, 0);
        long pseudo = p.ipProto == IpProtocol.ICMP4 ? 0 : pseudoHeader(p, p.ipProto, length);
        int checksum = finish(sum(p.address + p.l4, length, pseudo));
        // RFC 768: zero means "none", so a computed zero is sent as all ones.
        p.put16(p.l4 + offset, checksum == 0 && p.ipProto == IpProtocol.UDP ? 0xffff : checksum);
    }
}
