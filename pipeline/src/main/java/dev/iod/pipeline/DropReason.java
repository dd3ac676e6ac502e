package dev.iod.pipeline;

/** Why a packet ended without being delivered; every dropped packet counts under exactly one. */
public enum DropReason {
    /** The frame ends inside the Ethernet or VLAN header. */
    TRUNCATED_ETHERNET,
    /** The frame carries more than one VLAN tag. */
    STACKED_VLAN,
    /** The frame ends inside its ARP, IPv4 or IPv6 header, or before the length IP declares. */
    TRUNCATED_NETWORK,
    /** The IPv4 or IPv6 header contradicts itself (version, header length, total length). */
    MALFORMED_NETWORK,
    /** The IPv4 header checksum is wrong (RFC 1812 §5.2.2). */
    BAD_IP_CHECKSUM,
    /** More IPv6 extension headers than the parser follows. */
    TOO_MANY_EXTENSION_HEADERS,
    /** The packet ends inside its TCP, UDP, SCTP or ICMP header. */
    TRUNCATED_TRANSPORT,
    /** The transport header or a neighbour discovery option contradicts itself. */
    MALFORMED_TRANSPORT,
    /** A device gave a frame shorter than an Ethernet header or longer than its MTU allows. */
    FRAME_LENGTH,
    /** Only unfragmented TCP over IPv4 is carried to and from a local service. */
    SERVICE_UNSUPPORTED,
    /** A local service answered a connection that is not in its port's flow table (any more). */
    SERVICE_UNKNOWN_FLOW,
    /** The device is not bound to a logical port. */
    UNBOUND_DEVICE,
    /** The logical port's datapath is not known. */
    UNKNOWN_DATAPATH,
    /** No rule of a table matched. */
    NO_MATCH,
    /** The rules ended without output or an explicit drop. */
    NO_OUTPUT,
    /** A rule said drop. */
    POLICY,
    /** A rule needs something this engine does not have (see the UnsupportedHit event). */
    UNSUPPORTED,
    /** The TTL or hop limit is used up. */
    TTL_EXCEEDED,
    /** The packet would leave by the port it came in by. */
    HAIRPIN,
    /** The output port is not known or nowhere to be reached from here. */
    UNKNOWN_OUTPUT,
    /** The multicast group has no member this packet may go to. */
    EMPTY_GROUP,
    /** Traffic of a local service may not leave this node. */
    LOCAL_SERVICE_REMOTE,
    /** More rules, copies or patch hops for one packet than the declared bound. */
    PIPELINE_LIMIT,
    /** Connection tracking needs the transport header and the packet is a fragment. */
    FRAGMENT,
    /** Connection tracking was asked for where no zone is assigned. */
    NO_ZONE,
    /** The connection table is full and nothing in it could be evicted. */
    CONNECTION_LIMIT,
    /** The destination device has no room or is not up. */
    DEVICE_BUSY,
    /** The packet is larger than the destination device or the tunnel may carry. */
    TOO_LARGE,
    /** The tunnel's next hop is not resolved yet. */
    TUNNEL_UNRESOLVED,
    /** The tunnel has no room in the uplink's ring, or there is no uplink. */
    UPLINK_BUSY,
    /** A frame on the uplink is not Geneve for our encapsulation address. */
    NOT_OUR_TUNNEL,
    /** The Geneve header is malformed or truncated (RFC 8926 §3.4). */
    MALFORMED_TUNNEL,
    /** The outer UDP checksum is wrong. */
    BAD_TUNNEL_CHECKSUM,
    /** A Geneve option with the critical bit set is not known (RFC 8926 §3.5). */
    UNKNOWN_CRITICAL_OPTION,
    /** A control frame inside VNI 0 (BFD), which is not answered yet. */
    TUNNEL_CONTROL,
    /** No crafted reply is allowed to this packet (RFC 1812 §4.3.2.7, RFC 4443 §2.4). */
    NO_REPLY_ALLOWED,
    /** The engine met a defect of its own while handling the packet. */
    INTERNAL,
    // Codes on the control socket are positions: what is new comes last.
    /** The zone has as many established connections as it may ({@code Conntrack.Limits}). */
    CONNECTION_LIMIT_ZONE,
    /** The sender has as many established connections as it may ({@code Conntrack.Limits}). */
    CONNECTION_LIMIT_PORT,
    /** A remote sender's packets needed the pipeline more often than it may ({@code Sender}). */
    MISS_LIMIT,
    /** Port security forbids a port these addresses, and a rule dropped the packet for it. */
    PORT_SECURITY,
    /** The kernel had a frame of the uplink for the engine, which was too slow to take it. */
    UPLINK_OVERRUN
}
