package dev.iod.eswitch.replies;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Memory;

/** ICMP and ICMPv6 "destination unreachable" quoting a packet; type and code may be set later. */
public final class IcmpErrors {
    /** RFC 1812 §4.3.2.3: as much of the original as fits into 576 bytes. */
    private static final int MAX_TOTAL4 = 576;

    /** RFC 4443 §2.4(c): as much of the original as fits into the minimum MTU. */
    private static final int MAX_TOTAL6 = 1280;

    static final long MULTICAST_MAC = 1L << 40;

    private IcmpErrors() {}

    /** RFC 1812 §4.3.2.7: when no ICMP error may be sent. */
    static boolean allowed4(Packet p) {
        if (p.ipVersion != 4 || (p.fragment & 2) != 0) {
            return false;
        }
        if (p.transport == Transport.ICMP4) {
            int type = p.u8(p.l4);
            boolean query = type == 0 || type == 8 || (type >= 13 && type <= 18);
            if (!query) {
                return false;
            }
        }
        long destination = p.low(Field.IP4_DST);
        long source = p.low(Field.IP4_SRC);
        return (p.low(Field.ETH_DST) & MULTICAST_MAC) == 0
                && destination >>> 28 < 0xe
                && source >>> 28 < 0xe
                && source >>> 24 != 0
                && source >>> 24 != 127;
    }

    /** RFC 4443 §2.4(e); "packet too big" to a multicast group is never needed here. */
    static boolean allowed6(Packet p) {
        if (p.ipVersion != 6 || (p.fragment & 2) != 0) {
            return false;
        }
        if (p.transport == Transport.ICMP6 && (p.u8(p.l4) < 128 || p.u8(p.l4) == 137)) {
            return false;
        }
        long sourceHigh = p.high(Field.IP6_SRC);
        return (p.low(Field.ETH_DST) & MULTICAST_MAC) == 0
                && p.high(Field.IP6_DST) >>> 56 != 0xff
                && sourceHigh >>> 56 != 0xff
                && (sourceHigh != 0 || p.low(Field.IP6_SRC) != 0);
    }

    public static boolean make4(Packet p, Packet made, int code) {
        Crafter.ethernet(p, made, Packet.ETH_TYPE_IP4);
        int quoted = Math.min(p.ipLength(), MAX_TOTAL4 - 28);
        int l4 =
                Crafter.ip4(
                        made,
                        p.low(Field.IP4_SRC),
                        p.low(Field.IP4_DST),
                        IpProtocol.ICMP4,
                        8 + quoted);
        made.put64(l4, 3L << 56 | (long) code << 48);
        Memory.copy(p.address + p.l3, made.address + l4 + 8, quoted);
        Checksum.writeTransport(made, 2);
        return true;
    }

    static boolean make6(Packet p, Packet made, int code) {
        Crafter.ethernet(p, made, Packet.ETH_TYPE_IP6);
        int quoted = Math.min(p.ipLength(), MAX_TOTAL6 - 48);
        int l4 =
                Crafter.ip6(
                        made,
                        p.high(Field.IP6_SRC),
                        p.low(Field.IP6_SRC),
                        IpProtocol.ICMP6,
                        8 + quoted);
        made.put64(made.l3 + 24, p.high(Field.IP6_DST));
        made.put64(made.l3 + 32, p.low(Field.IP6_DST));
        made.put64(l4, 1L << 56 | (long) code << 48);
        Memory.copy(p.address + p.l3, made.address + l4 + 8, quoted);
        Checksum.writeTransport(made, 2);
        return true;
    }
}
