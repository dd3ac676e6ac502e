package dev.iod.eswitch.replies;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.pipeline.Action.Reply;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Memory;

/** Makes packets from other packets, addressed as ovn-sb(5) says for each action. */
public final class Crafter {
    private static final int HOP_LIMIT_ND = 255;
    private static final int NA_ROUTER = 0x80;
    private static final int NA_SOLICITED = 0x40;
    private static final int NA_OVERRIDE = 0x20;

    /**
     * Writes the reply into {@code made} and parses it; metadata is the caller's.
     *
     * @return false when no such reply may be made to this packet
     */
    public boolean craft(Reply reply, Packet p, Packet made) {
        boolean done =
                switch (reply) {
                    case ARP -> p.ipVersion == 4 && arpRequest(p, made);
                    case ND_NEIGHBOR_SOLICIT -> p.ipVersion == 6 && solicit(p, made);
                    case ND_NEIGHBOR_ADVERT -> isSolicitation(p) && advertise(p, made, 0);
                    case ND_NEIGHBOR_ADVERT_ROUTER ->
                            isSolicitation(p) && advertise(p, made, NA_ROUTER);
                    case ICMP4, ICMP4_ERROR ->
                            IcmpErrors.allowed4(p) && IcmpErrors.make4(p, made, 1);
                    case ICMP6, ICMP6_ERROR ->
                            IcmpErrors.allowed6(p) && IcmpErrors.make6(p, made, 1);
                    case TCP_RESET -> TcpResets.make(p, made);
                    case REJECT -> reject(p, made);
                    case SCTP_ABORT -> SctpAborts.make(p, made);
                };
        return done && PacketParser.parse(made) == null;
    }

    /** Copies the Ethernet header with its VLAN tag and sets the type. */
    static void ethernet(Packet p, Packet made, int etherType) {
        Memory.copy(p.address, made.address, p.l3);
        made.put16(p.l3 - 2, etherType);
        made.l3 = p.l3;
    }

    private static boolean arpRequest(Packet p, Packet made) {
        ethernet(p, made, Packet.ETH_TYPE_ARP);
        int arp = made.l3;
        made.put64(arp, 0x0001_0800_0604_0001L);
        made.put48(arp + 8, p.low(Field.ETH_SRC));
        made.put32(arp + 14, p.low(Field.IP4_SRC));
        made.put48(arp + 18, 0);
        made.put32(arp + 24, p.low(Field.IP4_DST));
        made.length = arp + 28;
        return true;
    }

    private static boolean isSolicitation(Packet p) {
        return p.neighborDiscovery && p.low(Field.ICMP_TYPE) == 135;
    }

    /** RFC 4861 §4.3 with the source link-layer option; the target is the packet's destination. */
    private static boolean solicit(Packet p, Packet made) {
        ethernet(p, made, Packet.ETH_TYPE_IP6);
        long targetHigh = p.high(Field.IP6_DST);
        long targetLow = p.low(Field.IP6_DST);
        // RFC 4291 §2.7.1 solicited-node address; RFC 2464 §7 its Ethernet form.
        long solicitedLow = 0x1_ff00_0000L | targetLow & 0xff_ffff;
        made.put48(0, 0x3333_0000_0000L | solicitedLow & 0xffff_ffffL);
        int l4 = ip6(made, p.high(Field.IP6_SRC), p.low(Field.IP6_SRC), IpProtocol.ICMP6, 32);
        made.put64(made.l3 + 24, 0xff02_0000_0000_0000L);
        made.put64(made.l3 + 32, solicitedLow);
        made.put64(l4, 135L << 56);
        made.put64(l4 + 8, targetHigh);
        made.put64(l4 + 16, targetLow);
        made.put16(l4 + 24, 0x0101);
        made.put48(l4 + 26, p.low(Field.ETH_SRC));
        Checksum.writeTransport(made, 2);
        return true;
    }

    /** RFC 4861 §4.4, §7.2.4. */
    private static boolean advertise(Packet p, Packet made, int flags) {
        ethernet(p, made, Packet.ETH_TYPE_IP6);
        long toHigh = p.high(Field.IP6_SRC);
        long toLow = p.low(Field.IP6_SRC);
        boolean anonymous = toHigh == 0 && toLow == 0;
        made.put48(0, anonymous ? 0x3333_0000_0001L : p.low(Field.ETH_SRC));
        made.put48(6, p.low(Field.ETH_DST));
        long targetHigh = p.high(Field.ND_TARGET);
        long targetLow = p.low(Field.ND_TARGET);
        int l4 = ip6(made, targetHigh, targetLow, IpProtocol.ICMP6, 32);
        made.put64(made.l3 + 24, anonymous ? 0xff02_0000_0000_0000L : toHigh);
        made.put64(made.l3 + 32, anonymous ? 1 : toLow);
        long all = flags | NA_OVERRIDE | (anonymous ? 0 : NA_SOLICITED);
        made.put64(l4, 136L << 56 | all << 24);
        made.put64(l4 + 8, targetHigh);
        made.put64(l4 + 16, targetLow);
        made.put16(l4 + 24, 0x0201);
        made.put48(l4 + 26, p.low(Field.ETH_DST));
        Checksum.writeTransport(made, 2);
        return true;
    }

    /**
     * Starts an IPv6 packet with this payload length; the destination is left to the caller.
     *
     * @return offset of the transport header
     */
    static int ip6(Packet made, long sourceHigh, long sourceLow, int protocol, int payload) {
        int ip = made.l3;
        made.put64(ip, 6L << 60 | (long) payload << 16 | protocol << 8 | HOP_LIMIT_ND);
        made.put64(ip + 8, sourceHigh);
        made.put64(ip + 16, sourceLow);
        made.ipVersion = 6;
        made.ipProto = protocol;
        made.l4 = ip + 40;
        made.length = made.l4 + payload;
        return made.l4;
    }

    /** Starts an IPv4 packet (RFC 791) with this payload length, TTL 255, not to be fragmented. */
    static int ip4(Packet made, long source, long destination, int protocol, int payload) {
        int ip = made.l3;
        made.put64(ip, 0x4500_0000_0000_4000L | (long) (20 + payload) << 32);
        made.put16(ip + 8, 0xff00 | protocol);
        made.put16(ip + 10, 0);
        made.put32(ip + 12, source);
        made.put32(ip + 16, destination);
        made.ipVersion = 4;
        made.ipProto = protocol;
        made.l4 = ip + 20;
        made.length = made.l4 + payload;
        Checksum.writeIp4(made);
        return made.l4;
    }

    private static boolean reject(Packet p, Packet made) {
        boolean done;
        if (p.transport == Transport.TCP) {
            done = TcpResets.make(p, made);
        } else if (p.transport == Transport.SCTP) {
            done = SctpAborts.make(p, made);
        } else if (p.ipVersion == 4) {
            done = IcmpErrors.allowed4(p) && IcmpErrors.make4(p, made, 3);
        } else {
            // Port unreachable is code 4 in ICMPv6 (RFC 4443 §3.1).
            done = IcmpErrors.allowed6(p) && IcmpErrors.make6(p, made, 4);
        }
        if (!done || PacketParser.parse(made) != null) {
            return false;
        }
        made.put48(0, p.low(Field.ETH_SRC));
        made.put48(6, p.low(Field.ETH_DST));
        if (p.ipVersion == 4) {
            HeaderFields.write(made, Field.IP4_SRC, 0, p.low(Field.IP4_DST));
            HeaderFields.write(made, Field.IP4_DST, 0, p.low(Field.IP4_SRC));
        } else {
            HeaderFields.write(made, Field.IP6_SRC, p.high(Field.IP6_DST), p.low(Field.IP6_DST));
            HeaderFields.write(made, Field.IP6_DST, p.high(Field.IP6_SRC), p.low(Field.IP6_SRC));
        }
        return true;
    }
}
