package dev.iod.eswitch.replies;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Memory;
import java.util.zip.CRC32C;

/**
 * ABORTs of an association that nobody has (RFC 9260 §8.4). Ports are exchanged, network and
 * Ethernet addresses are the caller's to exchange.
 */
final class SctpAborts {
    private static final int COMMON_HEADER = 12;
    private static final int CHUNK_HEADER = 4;
    private static final int INIT = 1;
    private static final int ABORT = 6;
    private static final int SHUTDOWN_COMPLETE = 14;

    /** The tag is the one the sender used, not the one it wants (RFC 9260 §3.3.7). */
    private static final int TAG_REFLECTED = 1;

    private SctpAborts() {}

    /**
     * @return false when the packet may not be answered
     */
    static boolean make(Packet p, Packet made) {
        if (p.transport != Transport.SCTP
                || p.length < p.l4 + COMMON_HEADER + CHUNK_HEADER
                || (p.low(Field.ETH_DST) & IcmpErrors.MULTICAST_MAC) != 0) {
            return false;
        }
        int chunk = p.u8(p.l4 + COMMON_HEADER);
        if (chunk == ABORT || chunk == SHUTDOWN_COMPLETE) {
            return false;
        }
        boolean init = chunk == INIT && p.length >= p.l4 + COMMON_HEADER + 2 * CHUNK_HEADER;
        long tag = p.u32(p.l4 + (init ? COMMON_HEADER + CHUNK_HEADER : 4));
        int length = COMMON_HEADER + CHUNK_HEADER;
        int l4;
        if (p.ipVersion == 4) {
            Crafter.ethernet(p, made, Packet.ETH_TYPE_IP4);
            long source = p.low(Field.IP4_SRC);
            l4 = Crafter.ip4(made, source, p.low(Field.IP4_DST), IpProtocol.SCTP, length);
        } else {
            Crafter.ethernet(p, made, Packet.ETH_TYPE_IP6);
            long high = p.high(Field.IP6_SRC);
            l4 = Crafter.ip6(made, high, p.low(Field.IP6_SRC), IpProtocol.SCTP, length);
            made.put64(made.l3 + 24, p.high(Field.IP6_DST));
            made.put64(made.l3 + 32, p.low(Field.IP6_DST));
        }
        made.put16(l4, p.u16(p.l4 + 2));
        made.put16(l4 + 2, p.u16(p.l4));
        made.put32(l4 + 4, tag);
        made.put32(l4 + 8, 0);
        made.put32(
                l4 + COMMON_HEADER,
                (long) ABORT << 24 | (init ? 0 : TAG_REFLECTED << 16) | CHUNK_HEADER);
        made.put32(l4 + 8, checksum(made, l4, length));
        return true;
    }

    /** CRC32c, least significant byte first (RFC 9260 appendix A). */
    private static long checksum(Packet p, int from, int length) {
        var bytes = new byte[length];
        Memory.copyToArray(p.address + from, bytes, 0, length);
        var crc = new CRC32C();
        crc.update(bytes);
        return Integer.reverseBytes((int) crc.getValue()) & 0xffff_ffffL;
    }
}
