package dev.iod.eswitch.replies;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.IpProtocol;

/**
 * TCP resets to a segment (RFC 9293 §3.10.7.1). Ports are exchanged, network and Ethernet addresses
 * are the caller's to exchange.
 */
final class TcpResets {
    private TcpResets() {}

    static boolean make(Packet p, Packet made) {
        if (p.transport != Transport.TCP || (p.tcpFlags() & Packet.TCP_RST) != 0) {
            return false;
        }
        int l4;
        if (p.ipVersion == 4) {
            Crafter.ethernet(p, made, Packet.ETH_TYPE_IP4);
            l4 = Crafter.ip4(made, p.low(Field.IP4_SRC), p.low(Field.IP4_DST), IpProtocol.TCP, 20);
        } else {
            Crafter.ethernet(p, made, Packet.ETH_TYPE_IP6);
            l4 = Crafter.ip6(made, p.high(Field.IP6_SRC), p.low(Field.IP6_SRC), IpProtocol.TCP, 20);
            made.put64(made.l3 + 24, p.high(Field.IP6_DST));
            made.put64(made.l3 + 32, p.low(Field.IP6_DST));
        }
        made.put16(l4, p.u16(p.l4 + 2));
        made.put16(l4 + 2, p.u16(p.l4));
        int flags = p.tcpFlags();
        if ((flags & Packet.TCP_ACK) != 0) {
            made.put32(l4 + 4, p.u32(p.l4 + 8));
            made.put32(l4 + 8, 0);
            made.put16(l4 + 12, 5 << 12 | Packet.TCP_RST);
        } else {
            long length = p.length - p.tcpPayload();
            long consumed = length + ((flags & Packet.TCP_SYN) != 0 ? 1 : 0);
            consumed += (flags & Packet.TCP_FIN) != 0 ? 1 : 0;
            made.put32(l4 + 4, 0);
            made.put32(l4 + 8, p.u32(p.l4 + 4) + consumed);
            made.put16(l4 + 12, 5 << 12 | Packet.TCP_RST | Packet.TCP_ACK);
        }
        made.put16(l4 + 14, 0);
        made.put32(l4 + 16, 0);
        Checksum.writeTransport(made, 16);
        return true;
    }
}
