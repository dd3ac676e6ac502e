package dev.iod.eswitch.connections;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Hash;
import dev.iod.pipeline.IcmpQuery;
import dev.iod.pipeline.IpProtocol;

/**
 * What packets of one direction of a connection have in common, as they are seen on the wire: zone,
 * protocol, addresses, and ports or ICMP's type and identifier. A connection has two, the original
 * one and the reply's; they mirror each other unless addresses are translated. Reused by the engine
 * thread.
 */
public final class Tuple {
    /** Bits of the {@link #head}: the zone is in 0 to 15, the protocol in 16 to 23. */
    private static final int PROTOCOL_SHIFT = 16;

    private static final int FAMILY6_SHIFT = 24;
    private static final int REQUEST_SHIFT = 25;
    private static final int QUERY_SHIFT = 26;
    private static final int QUERY_MASK = 7;

    /** Above the head's other bits: source and destination port. */
    private static final int PORTS_SHIFT = 32;

    int zone;
    int protocol;
    boolean ip6;

    /** Addresses; IPv4 is in the low 32 bits. */
    long sourceHigh;

    long sourceLow;
    long destinationHigh;
    long destinationLow;

    /** TCP, UDP, SCTP: the ports; ICMP: the identifier, in both. */
    int sourcePort;

    int destinationPort;

    /** Of ICMP: which kind of {@link IcmpQuery}; else 0. */
    int query;

    /** Of ICMP: whether the packets ask; those of the other direction answer. */
    boolean request;

    /** Takes the tuple of a packet. @return false when conntrack knows nothing about its kind */
    public boolean of(Packet p, int inZone) {
        if (!p.isIp()) {
            return false;
        }
        zone = inZone;
        protocol = p.ipProto;
        ip6 = p.ipVersion == 6;
        switch (p.transport) {
            case TCP, UDP, SCTP -> ports(p.u16(p.l4), p.u16(p.l4 + 2));
            case ICMP4, ICMP6 -> {
                if (!icmp(p, p.l4)) {
                    return false;
                }
            }
            case NONE -> ports(0, 0);
        }
        addresses(p, p.l3);
        return true;
    }

    /**
     * Takes the tuple of the direction an ICMP error travels in: it goes to the sender of what it
     * quotes, so that is the mirror of the packet it quotes, whose transport header may be cut to 8
     * bytes (RFC 792).
     *
     * @return false when it cannot be told, or is not told to whoever sent it
     */
    public boolean ofError(Packet p, int inZone) {
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
        protocol = p.u8(ip + (ip6 ? 6 : 9));
        if (!sentByReceiver(p, ip)) {
            return false;
        }
        int l4 = ip + header;
        switch (protocol) {
            case IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP -> ports(p.u16(l4), p.u16(l4 + 2));
            case IpProtocol.ICMP4, IpProtocol.ICMP6 -> {
                if (!icmp(p, l4)) {
                    return false;
                }
            }
            default -> ports(0, 0);
        }
        addresses(p, ip);
        mirror(this);
        return true;
    }

    /** An error goes to the sender of what it quotes; to anybody else it is forged. */
    private boolean sentByReceiver(Packet p, int quoted) {
        return ip6
                ? p.u64(quoted + 8) == p.u64(p.l3 + 24) && p.u64(quoted + 16) == p.u64(p.l3 + 32)
                : p.u32(quoted + 12) == p.u32(p.l3 + 16);
    }

    private void ports(int source, int destination) {
        sourcePort = source;
        destinationPort = destination;
        query = 0;
        request = false;
    }

    /** Requests and replies with an identifier (RFC 792, RFC 4443 §4); their code is 0. */
    private boolean icmp(Packet p, int l4) {
        int type = p.u8(l4);
        int asked = IcmpQuery.asked(ip6, type);
        int kind = asked == IcmpQuery.NONE ? IcmpQuery.answered(ip6, type) : asked;
        if (kind == IcmpQuery.NONE || p.u8(l4 + 1) != 0) {
            return false;
        }
        int identifier = p.u16(l4 + 4);
        ports(identifier, identifier);
        query = kind;
        request = asked != IcmpQuery.NONE;
        return true;
    }

    private void addresses(Packet p, int ip) {
        if (ip6) {
            sourceHigh = p.u64(ip + 8);
            sourceLow = p.u64(ip + 16);
            destinationHigh = p.u64(ip + 24);
            destinationLow = p.u64(ip + 32);
        } else {
            sourceHigh = 0;
            sourceLow = p.u32(ip + 12);
            destinationHigh = 0;
            destinationLow = p.u32(ip + 16);
        }
    }

    /** Becomes the tuple of the packets that answer another's without translation. */
    public void mirror(Tuple other) {
        final long otherHigh = other.sourceHigh;
        final long otherLow = other.sourceLow;
        final int otherPort = other.sourcePort;
        zone = other.zone;
        protocol = other.protocol;
        ip6 = other.ip6;
        sourceHigh = other.destinationHigh;
        sourceLow = other.destinationLow;
        sourcePort = other.destinationPort;
        destinationHigh = otherHigh;
        destinationLow = otherLow;
        destinationPort = otherPort;
        query = other.query;
        request = other.isIcmp() && !other.request;
    }

    /** Whether it is the tuple of the packets that answer another's without translation. */
    boolean mirrors(Tuple other) {
        return sourceLow == other.destinationLow
                && destinationLow == other.sourceLow
                && sourcePort == other.destinationPort
                && destinationPort == other.sourcePort
                && sourceHigh == other.destinationHigh
                && destinationHigh == other.sourceHigh;
    }

    boolean isIcmp() {
        return protocol == (ip6 ? IpProtocol.ICMP6 : IpProtocol.ICMP4);
    }

    /** The type of its ICMP messages, -1 for other protocols. */
    int icmpType() {
        if (!isIcmp()) {
            return -1;
        }
        return request ? IcmpQuery.request(ip6, query) : IcmpQuery.reply(ip6, query);
    }

    /** Whether packets can have it: what a file holds may be anything. */
    boolean valid() {
        return zone != 0
                && (isIcmp()
                        ? query < IcmpQuery.kinds(ip6) && sourcePort == destinationPort
                        : query == 0 && !request);
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

    /** All but the addresses in one word. */
    long head() {
        int kind =
                zone
                        | protocol << PROTOCOL_SHIFT
                        | (ip6 ? 1 << FAMILY6_SHIFT : 0)
                        | (request ? 1 << REQUEST_SHIFT : 0)
                        | query << QUERY_SHIFT;
        return (long) (sourcePort << 16 | destinationPort) << PORTS_SHIFT | kind;
    }

    /** Takes what a {@link #head} says. */
    void head(long head) {
        zone = zone(head);
        protocol = (int) head >>> PROTOCOL_SHIFT & 0xff;
        ip6 = isIp6(head);
        request = ((int) head >>> REQUEST_SHIFT & 1) != 0;
        query = (int) head >>> QUERY_SHIFT & QUERY_MASK;
        sourcePort = (int) (head >>> PORTS_SHIFT + 16) & 0xffff;
        destinationPort = (int) (head >>> PORTS_SHIFT) & 0xffff;
    }

    static int zone(long head) {
        return (int) head & 0xffff;
    }

    static boolean isIp6(long head) {
        return (head >>> FAMILY6_SHIFT & 1) != 0;
    }

    /** The same for a tuple and its mirror: it takes the two ends in numeric order. */
    public int hash() {
        int order = Long.compareUnsigned(sourceHigh, destinationHigh);
        if (order == 0) {
            order = Long.compareUnsigned(sourceLow, destinationLow);
        }
        if (order == 0) {
            order = Integer.compare(sourcePort, destinationPort);
        }
        boolean inOrder = order <= 0;
        int kind = zone | protocol << PROTOCOL_SHIFT | query << QUERY_SHIFT;
        int ports =
                inOrder ? sourcePort << 16 | destinationPort : destinationPort << 16 | sourcePort;
        long hash = Hash.mix(Hash.SECRET, (long) ports << PORTS_SHIFT | kind);
        hash = Hash.mix(hash, inOrder ? sourceLow : destinationLow);
        hash = Hash.mix(hash, inOrder ? destinationLow : sourceLow);
        if (ip6) {
            hash = Hash.mix(hash, inOrder ? sourceHigh : destinationHigh);
            hash = Hash.mix(hash, inOrder ? destinationHigh : sourceHigh);
        }
        return Hash.fold(hash);
    }
}
