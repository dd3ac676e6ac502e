package dev.iod.eswitch;

import dev.iod.eswitch.Packet.Transport;

/**
 * What a connection is known by, the same for both directions: the two endpoints in numeric order.
 * Reused by the engine thread.
 */
final class ConnectionKey {
    private static final int ECHO_REQUEST4 = 8;
    private static final int ECHO_REPLY4 = 0;
    static final int ECHO_REQUEST6 = 128;
    static final int ECHO_REPLY6 = 129;

    int zone;
    int proto;
    boolean ip6;
    long lowHigh;
    long lowLow;
    long highHigh;
    long highLow;
    int lowPort;
    int highPort;

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
                if (!isEcho(p)) {
                    return false;
                }
                source = p.u16(p.l4 + 4);
                destination = source;
            }
            case NONE -> {}
        }
        order(p, p.l3, source, destination);
        return true;
    }

    static boolean isEcho(Packet p) {
        int type = p.u8(p.l4);
        return p.transport == Transport.ICMP4
                ? type == ECHO_REQUEST4 || type == ECHO_REPLY4
                : type == ECHO_REQUEST6 || type == ECHO_REPLY6;
    }

    static boolean isEchoRequest(Packet p) {
        return p.u8(p.l4) == (p.transport == Transport.ICMP4 ? ECHO_REQUEST4 : ECHO_REQUEST6);
    }

    /**
     * Takes the key of the packet quoted in an ICMP error, whose transport header may be cut to 8
     * bytes (RFC 792). @return false when it cannot be told
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
        int l4 = ip + header;
        int source;
        int destination;
        switch (proto) {
            case Packet.PROTO_TCP, Packet.PROTO_UDP, Packet.PROTO_SCTP -> {
                source = p.u16(l4);
                destination = p.u16(l4 + 2);
            }
            case Packet.PROTO_ICMP4, Packet.PROTO_ICMP6 -> {
                source = p.u16(l4 + 4);
                destination = source;
            }
            default -> {
                source = 0;
                destination = 0;
            }
        }
        order(p, ip, source, destination);
        return true;
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

    /** Zone, protocol and family in one word. */
    int kind() {
        return zone | proto << 16 | (ip6 ? 1 << 24 : 0);
    }

    int ports() {
        return lowPort << 16 | highPort;
    }

    int hash() {
        long h = mix(kind() * 31L + ports(), lowHigh);
        h = mix(mix(mix(h, lowLow), highHigh), highLow);
        return (int) (h ^ h >>> 32);
    }

    private static long mix(long hash, long value) {
        long mixed = (hash ^ value) * 0x9E37_79B9_7F4A_7C15L;
        return mixed ^ mixed >>> 29;
    }
}
