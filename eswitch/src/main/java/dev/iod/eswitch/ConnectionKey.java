package dev.iod.eswitch;

import dev.iod.eswitch.Packet.Transport;

/**
 * What a connection is known by, the same for both directions: the two endpoints in numeric order.
 * Reused by the engine thread.
 */
final class ConnectionKey {
    private static final int[] REQUESTS4 = {8, 13, 15};
    private static final int[] REPLIES4 = {0, 14, 16};
    private static final int[] REQUESTS6 = {128};
    private static final int[] REPLIES6 = {129};
    private static final int NO_PAIR = -1;

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
     * Of ICMP: which pair of request and reply, and in bit 0 whether the lower endpoint asks.
     * Without it a request of the answering side would pass for a reply.
     */
    int variant;

    /** Whether the packet's source is the lower endpoint. */
    boolean sourceIsLow;

    /** Takes the key of a packet. @return false when conntrack knows nothing about its kind */
    boolean of(Packet p, int inZone) {
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
        int asked = pair(type, ip6 ? REQUESTS6 : REQUESTS4);
        int pair = asked == NO_PAIR ? pair(type, ip6 ? REPLIES6 : REPLIES4) : asked;
        if (pair == NO_PAIR || p.u8(l4 + 1) != 0) {
            return false;
        }
        order(p, ip, p.u16(l4 + 4), p.u16(l4 + 4));
        variant = pair << 1 | ((asked != NO_PAIR) == sourceIsLow ? 1 : 0);
        return true;
    }

    private static int pair(int type, int[] types) {
        for (int i = 0; i < types.length; i++) {
            if (types[i] == type) {
                return i;
            }
        }
        return NO_PAIR;
    }

    static boolean isEcho(Packet p) {
        int type = p.u8(p.l4);
        return p.transport == Transport.ICMP4
                ? type == REQUESTS4[0] || type == REPLIES4[0]
                : type == REQUESTS6[0] || type == REPLIES6[0];
    }

    static boolean isRequest(Packet p) {
        return pair(p.u8(p.l4), p.transport == Transport.ICMP4 ? REQUESTS4 : REQUESTS6) != NO_PAIR;
    }

    /** The ICMP type that the asking side of a connection sends, or the other side answers. */
    static int icmpType(boolean six, int variant, boolean request) {
        int pair = variant >>> 1;
        return six
                ? (request ? REQUESTS6 : REPLIES6)[pair]
                : (request ? REQUESTS4 : REPLIES4)[pair];
    }

    /**
     * Takes the key of the packet quoted in an ICMP error, whose transport header may be cut to 8
     * bytes (RFC 792). @return false when it cannot be told, or is not told to whoever sent it
     */
    boolean ofQuoted(Packet p, int inZone) {
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
            case Packet.PROTO_TCP, Packet.PROTO_UDP, Packet.PROTO_SCTP -> {
                source = p.u16(l4);
                destination = p.u16(l4 + 2);
            }
            case Packet.PROTO_ICMP4, Packet.PROTO_ICMP6 -> {
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

    /** What answers a type, and what a type answers. */
    static int otherIcmpType(boolean six, int type) {
        int asked = pair(type, six ? REQUESTS6 : REQUESTS4);
        return asked == NO_PAIR
                ? (six ? REQUESTS6 : REQUESTS4)[pair(type, six ? REPLIES6 : REPLIES4)]
                : (six ? REPLIES6 : REPLIES4)[asked];
    }

    /** Zone, protocol, family and ICMP variant in one word. */
    int kind() {
        return zone | proto << 16 | (ip6 ? 1 << 24 : 0) | variant << 25;
    }

    int ports() {
        return lowPort << 16 | highPort;
    }

    int hash() {
        long h = Hash.mix(Hash.SECRET, (long) kind() << 32 | ports() & 0xffff_ffffL);
        h = Hash.mix(Hash.mix(h, lowHigh), lowLow);
        return Hash.fold(Hash.mix(Hash.mix(h, highHigh), highLow));
    }
}
