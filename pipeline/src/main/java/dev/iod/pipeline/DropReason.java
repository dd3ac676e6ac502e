package dev.iod.pipeline;

import dev.iod.engine.Coded;

/** Why a packet ended without being delivered; every dropped packet counts under exactly one. */
public enum DropReason implements Coded {
    /** The frame ends inside the Ethernet or VLAN header. */
    TRUNCATED_ETHERNET(0),
    /** The frame carries more than one VLAN tag. */
    STACKED_VLAN(1),
    /** The frame ends inside its ARP, IPv4 or IPv6 header, or before the length IP declares. */
    TRUNCATED_NETWORK(2),
    /** The IPv4 or IPv6 header contradicts itself (version, header length, total length). */
    MALFORMED_NETWORK(3),
    /** The IPv4 header checksum is wrong (RFC 1812 §5.2.2). */
    BAD_IP_CHECKSUM(4),
    /** More IPv6 extension headers than the parser follows. */
    TOO_MANY_EXTENSION_HEADERS(5),
    /** The packet ends inside its TCP, UDP, SCTP or ICMP header. */
    TRUNCATED_TRANSPORT(6),
    /** The transport header or a neighbour discovery option contradicts itself. */
    MALFORMED_TRANSPORT(7),
    /** A device gave a frame shorter than an Ethernet header or longer than its MTU allows. */
    FRAME_LENGTH(8),
    /** Only unfragmented TCP over IPv4 is carried to and from a local service. */
    SERVICE_UNSUPPORTED(9),
    /** A local service answered a connection that is not in its port's flow table (any more). */
    SERVICE_UNKNOWN_FLOW(10),
    /** The device is not bound to a logical port. */
    UNBOUND_DEVICE(11),
    /** The logical port's datapath is not known. */
    UNKNOWN_DATAPATH(12),
    /** No rule of a table matched. */
    NO_MATCH(13),
    /** The rules ended without output or an explicit drop. */
    NO_OUTPUT(14),
    /** A rule said drop. */
    POLICY(15),
    /** A rule needs something this engine does not have (see the UnsupportedHit event). */
    UNSUPPORTED(16),
    /** The TTL or hop limit is used up. */
    TTL_EXCEEDED(17),
    /** The packet would leave by the port it came in by. */
    HAIRPIN(18),
    /** The output port is not known or nowhere to be reached from here. */
    UNKNOWN_OUTPUT(19),
    /** The multicast group has no member this packet may go to. */
    EMPTY_GROUP(20),
    /** Traffic of a local service may not leave this node. */
    LOCAL_SERVICE_REMOTE(21),
    /** More rules, copies or patch hops for one packet than the declared bound. */
    PIPELINE_LIMIT(22),
    /** Connection tracking needs the transport header and the packet is a fragment. */
    FRAGMENT(23),
    /** Connection tracking was asked for where no zone is assigned. */
    NO_ZONE(24),
    /** The connection table is full and nothing in it could be evicted. */
    CONNECTION_LIMIT(25),
    /** The destination device has no room or is not up. */
    DEVICE_BUSY(26),
    /** The packet is larger than the destination device or the tunnel may carry. */
    TOO_LARGE(27),
    /** The tunnel's next hop is not resolved yet. */
    TUNNEL_UNRESOLVED(28),
    /** The tunnel has no room in the uplink's ring, or there is no uplink. */
    UPLINK_BUSY(29),
    /** A frame on the uplink is not Geneve for our encapsulation address. */
    NOT_OUR_TUNNEL(30),
    /** The Geneve header is malformed or truncated (RFC 8926 §3.4). */
    MALFORMED_TUNNEL(31),
    /** The outer UDP checksum is wrong. */
    BAD_TUNNEL_CHECKSUM(32),
    /** A Geneve option with the critical bit set is not known (RFC 8926 §3.5). */
    UNKNOWN_CRITICAL_OPTION(33),
    /** A control frame inside VNI 0 (BFD), which is not answered yet. */
    TUNNEL_CONTROL(34),
    /** No crafted reply is allowed to this packet (RFC 1812 §4.3.2.7, RFC 4443 §2.4). */
    NO_REPLY_ALLOWED(35),
    /** The engine met a defect of its own while handling the packet. */
    INTERNAL(36),
    /** The zone has as many established connections as it may ({@code Conntrack.Limits}). */
    CONNECTION_LIMIT_ZONE(37),
    /** The sender has as many established connections as it may ({@code Conntrack.Limits}). */
    CONNECTION_LIMIT_PORT(38),
    /** A remote sender's packets needed the pipeline more often than it may ({@code Sender}). */
    MISS_LIMIT(39),
    /** Port security forbids a port these addresses, and a rule dropped the packet for it. */
    PORT_SECURITY(40),
    /** The kernel had a frame of the uplink for the engine, which was too slow to take it. */
    UPLINK_OVERRUN(41),
    /** A new connection's replies would look like packets of another one. */
    CONNECTION_CLASH(42);

    private final int code;

    DropReason(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }
}
