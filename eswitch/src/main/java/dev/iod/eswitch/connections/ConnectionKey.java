package dev.iod.eswitch.connections;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Hash;
import dev.iod.pipeline.IcmpQuery;
import dev.iod.pipeline.IpProtocol;

/**
 * What a connection is known by, the same for both directions: the two endpoints in numeric order.
 * Reused by the engine thread.
 */
public final class ConnectionKey {
    int zone;
    int proto;
    boolean ip6;
    long lowHigh;
    long lowLow;
    long highHigh;
    long highLow;
    int lowPort;
    int highPort;

    /**
     * Of ICMP: which kind of {@link IcmpQuery}, and in bit 0 whether the lower endpoint asks.
     * Without it a request of the answering side would pass for a reply.
     */
    int variant;

    /** Whether the packet's source is the lower endpoint. */
    boolean sourceIsLow;

    /** Takes the key of a packet. @return false when conntrack knows nothing about its kind */
    public boolean of(Packet p, int inZone) {
        if (!p.isIp()) {
            return false;
        }
        zone = inZone;
        proto = p.ipProto;
        ip6 = p.ipVersion == 6;
        int source = 0;
        int destination = 0;
        switch (p.transport) {
            case TCP, UDP, SCTP -> {
                source = p.u16(p.l4);
                destination = p.u16(p.l4 + 2);
            }
            case ICMP4, ICMP6 -> {
                return ofIcmp(p, p.l3, p.l4);
            }
            case NONE -> {}
        }
        order(p, p.l3, source, destination);
        variant = 0;
        return true;
    }

    /** Requests and replies with an identifier (RFC 792, RFC 4443 §4); their code is 0. */
    private boolean ofIcmp(Packet p, int ip, int l4) {
        int type = p.u8(l4);
        int asked = IcmpQuery.asked(ip6, type);
        int kind = asked == IcmpQuery.NONE ? IcmpQuery.answered(ip6, type) : asked;
        if (kind == IcmpQuery.NONE || p.u8(l4 + 1) != 0) {
            return false;
        }
        order(p, ip, p.u16(l4 + 4), p.u16(l4 + 4));
        variant = kind << 1 | ((asked != IcmpQuery.NONE) == sourceIsLow ? 1 : 0);
        return true;
    }

    public static boolean isEcho(Packet p) {
        boolean six = p.transport == Transport.ICMP6;
        int type = p.u8(p.l4);
        return IcmpQuery.asked(six, type) == IcmpQuery.ECHO
                || IcmpQuery.answered(six, type) == IcmpQuery.ECHO;
    }

    static boolean isRequest(Packet p) {
        return IcmpQuery.asked(p.transport == Transport.ICMP6, p.u8(p.l4)) != IcmpQuery.NONE;
    }

    /** The ICMP type that the asking side of a connection sends, or the other side answers. */
    static int icmpType(boolean six, int variant, boolean request) {
        int kind = variant >>> 1;
        return request ? IcmpQuery.request(six, kind) : IcmpQuery.reply(six, kind);
    }

    /**
     * Takes the key of the packet quoted in an ICMP error, whose transport header may be cut to 8
     * bytes (RFC 792). @return false when it cannot be told, or is not told to whoever sent it
     */
    public boolean ofQuoted(Packet p, int inZone) {
        int ip = p.l4 + 8;
        zone = inZone;
        ip6 = p.ipVersion == 6;
        int header = ip6 ? 40 : 20;
        if (p.length < ip + header + 8 || p.u8(ip) >>> 4 != p.ipVersion) {
            return false;
        }
        if (!ip6) {
            header = (p.u8(ip) & 15) * 4;
            if (header < 20 || p.length < ip + header + 8 || (p.u16(ip + 6) & 0x1fff) != 0) {
                return false;
            }
        }
        proto = p.u8(ip + (ip6 ? 6 : 9));
        if (!sentByReceiver(p, ip)) {
            return false;
        }
        int l4 = ip + header;
        int source;
        int destination;
        switch (proto) {
            case IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP -> {
                source = p.u16(l4);
                destination = p.u16(l4 + 2);
            }
            case IpProtocol.ICMP4, IpProtocol.ICMP6 -> {
                return ofIcmp(p, ip, l4);
            }
            default -> {
                source = 0;
                destination = 0;
            }
        }
        order(p, ip, source, destination);
        variant = 0;
        return true;
    }

    /** An error goes to the sender of what it quotes; to anybody else it is forged. */
    private boolean sentByReceiver(Packet p, int quoted) {
        return ip6
                ? p.u64(quoted + 8) == p.u64(p.l3 + 24) && p.u64(quoted + 16) == p.u64(p.l3 + 32)
                : p.u32(quoted + 12) == p.u32(p.l3 + 16);
    }

    private void order(Packet p, int ip, int sourcePort, int destinationPort) {
        long sourceHigh = ip6 ? p.u64(ip + 8) : 0;
        long sourceLow = ip6 ? p.u64(ip + 16) : p.u32(ip + 12);
        long destinationHigh = ip6 ? p.u64(ip + 24) : 0;
        long destinationLow = ip6 ? p.u64(ip + 32) : p.u32(ip + 16);
        int order = Long.compareUnsigned(sourceHigh, destinationHigh);
        if (order == 0) {
            order = Long.compareUnsigned(sourceLow, destinationLow);
        }
        if (order == 0) {
            order = Integer.compare(sourcePort, destinationPort);
        }
        sourceIsLow = order <= 0;
        lowHigh = sourceIsLow ? sourceHigh : destinationHigh;
        lowLow = sourceIsLow ? sourceLow : destinationLow;
        highHigh = sourceIsLow ? destinationHigh : sourceHigh;
        highLow = sourceIsLow ? destinationLow : sourceLow;
        lowPort = sourceIsLow ? sourcePort : destinationPort;
        highPort = sourceIsLow ? destinationPort : sourcePort;
    }

    /** Zone, protocol, family and ICMP variant in one word. */
    int kind() {
        return zone | proto << 16 | (ip6 ? 1 << 24 : 0) | variant << 25;
    }

    int ports() {
        return lowPort << 16 | highPort;
    }

    public int hash() {
        long h = Hash.mix(Hash.SECRET, (long) kind() << 32 | ports() & 0xffff_ffffL);
        h = Hash.mix(Hash.mix(h, lowHigh), lowLow);
        return Hash.fold(Hash.mix(Hash.mix(h, highHigh), highLow));
    }
}
