package dev.iod.eswitch.packet;

import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.IpProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Finds the headers of a frame: Ethernet, one VLAN tag, ARP, IPv4, IPv6 with a bounded chain of
 * extension headers, TCP, UDP, SCTP, ICMP and neighbour discovery options. Never reads outside the
 * frame. Bytes after the IP packet (Ethernet padding) are cut off.
 */
public final class PacketParser {
    /** Longest chain of IPv6 extension headers that is followed. */
    static final int MAX_EXTENSION_HEADERS = 8;

    private static final int MAX_ND_OPTIONS = 16;
    private static final int ARP_LENGTH = 28;
    private static final int IP6_HEADER = 40;
    private static final int HOP_BY_HOP = 0;
    private static final int ROUTING = 43;
    private static final int FRAGMENT_HEADER = 44;
    private static final int AUTHENTICATION = 51;
    private static final int DESTINATION_OPTIONS = 60;
    private static final int ND_ROUTER_SOLICITATION = 133;
    private static final int ND_ROUTER_ADVERTISEMENT = 134;
    private static final int ND_NEIGHBOR_SOLICITATION = 135;
    private static final int ND_NEIGHBOR_ADVERTISEMENT = 136;

    private PacketParser() {}

    /** Fills in the packet's offsets. @return why the packet must be dropped, if so */
    public static @Nullable DropReason parse(Packet p) {
        reset(p);
        if (p.length < Packet.ETHERNET) {
            return DropReason.TRUNCATED_ETHERNET;
        }
        int type = p.u16(12);
        int at = Packet.ETHERNET;
        if (isTag(type)) {
            if (p.length < at + 4) {
                return DropReason.TRUNCATED_ETHERNET;
            }
            p.vlanTci = p.u16(at) & ~Packet.VLAN_PRESENT | Packet.VLAN_PRESENT;
            type = p.u16(at + 2);
            at += 4;
            if (isTag(type)) {
                return DropReason.STACKED_VLAN;
            }
        }
        p.etherType = type;
        p.l3 = at;
        return switch (type) {
            case Packet.ETH_TYPE_IP4 -> parseIp4(p);
            case Packet.ETH_TYPE_IP6 -> parseIp6(p);
            case Packet.ETH_TYPE_ARP -> parseArp(p);
            default -> null;
        };
    }

    private static void reset(Packet p) {
        p.etherType = 0;
        p.vlanTci = 0;
        p.l3 = 0;
        p.l4 = 0;
        p.ipVersion = 0;
        p.ipProto = 0;
        p.fragment = 0;
        p.ipOptions = false;
        p.arp = false;
        p.transport = Transport.NONE;
        p.neighborDiscovery = false;
        p.ndSource = 0;
        p.ndTarget = 0;
    }

    /** 802.1Q or 802.1ad. */
    private static boolean isTag(int type) {
        return type == 0x8100 || type == 0x88a8;
    }

    private static @Nullable DropReason parseArp(Packet p) {
        if (p.length < p.l3 + ARP_LENGTH) {
            return DropReason.TRUNCATED_NETWORK;
        }
        // RFC 826: Ethernet (1), IPv4, address lengths 6 and 4.
        if (p.u16(p.l3) != 1
                || p.u16(p.l3 + 2) != Packet.ETH_TYPE_IP4
                || p.u16(p.l3 + 4) != 0x604) {
            return DropReason.MALFORMED_NETWORK;
        }
        p.arp = true;
        return null;
    }

    private static @Nullable DropReason parseIp4(Packet p) {
        int ip = p.l3;
        if (p.length < ip + 20) {
            return DropReason.TRUNCATED_NETWORK;
        }
        int versionAndLength = p.u8(ip);
        int header = (versionAndLength & 15) * 4;
        int total = p.u16(ip + 2);
        if (versionAndLength >>> 4 != 4 || header < 20 || total < header) {
            return DropReason.MALFORMED_NETWORK;
        }
        if (p.length < ip + total) {
            return DropReason.TRUNCATED_NETWORK;
        }
        if (Checksum.of(p.address + ip, header) != 0) {
            return DropReason.BAD_IP_CHECKSUM;
        }
        p.length = ip + total;
        p.ipVersion = 4;
        p.ipProto = p.u8(ip + 9);
        p.ipOptions = header > 20;
        int fragment = p.u16(ip + 6);
        boolean later = (fragment & 0x1fff) != 0;
        p.fragment = later ? 3 : (fragment & 0x2000) != 0 ? 1 : 0;
        return later ? null : parseTransport(p, ip + header);
    }

    private static @Nullable DropReason parseIp6(Packet p) {
        int ip = p.l3;
        if (p.length < ip + IP6_HEADER) {
            return DropReason.TRUNCATED_NETWORK;
        }
        if (p.u8(ip) >>> 4 != 6) {
            return DropReason.MALFORMED_NETWORK;
        }
        int end = ip + IP6_HEADER + p.u16(ip + 4);
        if (p.length < end) {
            return DropReason.TRUNCATED_NETWORK;
        }
        p.length = end;
        p.ipVersion = 6;
        int next = p.u8(ip + 6);
        int at = ip + IP6_HEADER;
        for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
            if (!isExtension(next)) {
                p.ipProto = next;
                return parseTransport(p, at);
            }
            if (end < at + 8) {
                return DropReason.TRUNCATED_NETWORK;
            }
            p.ipOptions = true;
            int length = extensionLength(p, next, at);
            if (next == FRAGMENT_HEADER) {
                int offset = p.u16(at + 2);
                boolean later = (offset & 0xfff8) != 0;
                // RFC 6946: offset 0 without "more fragments" is a whole packet.
                p.fragment = later ? 3 : offset & 1;
                if (later) {
                    p.ipProto = p.u8(at);
                    return null;
                }
            }
            next = p.u8(at);
            at += length;
            if (at > end) {
                return DropReason.TRUNCATED_NETWORK;
            }
        }
        return DropReason.TOO_MANY_EXTENSION_HEADERS;
    }

    private static boolean isExtension(int next) {
        return next == HOP_BY_HOP
                || next == ROUTING
                || next == FRAGMENT_HEADER
                || next == DESTINATION_OPTIONS
                || next == AUTHENTICATION;
    }

    private static int extensionLength(Packet p, int header, int at) {
        return switch (header) {
            case FRAGMENT_HEADER -> 8;
            case AUTHENTICATION -> (p.u8(at + 1) + 2) * 4;
            default -> (p.u8(at + 1) + 1) * 8;
        };
    }

    private static @Nullable DropReason parseTransport(Packet p, int at) {
        int left = p.length - at;
        switch (p.ipProto) {
            case IpProtocol.TCP -> {
                if (left < 20) {
                    return tooShort(p);
                }
                int header = (p.u8(at + 12) >>> 4) * 4;
                if (header < 20) {
                    return DropReason.MALFORMED_TRANSPORT;
                }
                if (header > left) {
                    return tooShort(p);
                }
                p.transport = Transport.TCP;
            }
            case IpProtocol.UDP -> {
                if (left < 8) {
                    return tooShort(p);
                }
                int declared = p.u16(at + 4);
                if (declared < 8 || (p.fragment == 0 && declared > left)) {
                    return DropReason.MALFORMED_TRANSPORT;
                }
                p.transport = Transport.UDP;
            }
            case IpProtocol.SCTP -> {
                if (left < 12) {
                    return tooShort(p);
                }
                p.transport = Transport.SCTP;
            }
            case IpProtocol.ICMP4 -> {
                if (p.ipVersion == 4) {
                    if (left < 8) {
                        return tooShort(p);
                    }
                    p.transport = Transport.ICMP4;
                }
            }
            case IpProtocol.ICMP6 -> {
                if (p.ipVersion == 6) {
                    return parseIcmp6(p, at, left);
                }
            }
            default -> {}
        }
        p.l4 = at;
        return null;
    }

    private static DropReason tooShort(Packet p) {
        // The first fragment must carry the whole transport header (RFC 8200 §4.5, RFC 1858).
        return p.fragment != 0 ? DropReason.MALFORMED_TRANSPORT : DropReason.TRUNCATED_TRANSPORT;
    }

    private static @Nullable DropReason parseIcmp6(Packet p, int at, int left) {
        if (left < 8) {
            return tooShort(p);
        }
        p.transport = Transport.ICMP6;
        p.l4 = at;
        int options;
        switch (p.u8(at)) {
            case ND_NEIGHBOR_SOLICITATION, ND_NEIGHBOR_ADVERTISEMENT -> {
                if (left < 24) {
                    return tooShort(p);
                }
                p.neighborDiscovery = true;
                options = at + 24;
            }
            case ND_ROUTER_SOLICITATION -> options = at + 8;
            case ND_ROUTER_ADVERTISEMENT -> {
                if (left < 16) {
                    return tooShort(p);
                }
                options = at + 16;
            }
            default -> {
                return null;
            }
        }
        return p.fragment == 0 ? parseOptions(p, options) : null;
    }

    /** RFC 4861 §4.6: type, length in units of 8 bytes, never 0. */
    private static @Nullable DropReason parseOptions(Packet p, int from) {
        int at = from;
        for (int i = 0; i < MAX_ND_OPTIONS && at < p.length; i++) {
            if (p.length - at < 8) {
                return DropReason.MALFORMED_TRANSPORT;
            }
            int bytes = p.u8(at + 1) * 8;
            if (bytes == 0 || bytes > p.length - at) {
                return DropReason.MALFORMED_TRANSPORT;
            }
            if (bytes == 8 && p.u8(at) == 1) {
                p.ndSource = at + 2;
            } else if (bytes == 8 && p.u8(at) == 2) {
                p.ndTarget = at + 2;
            }
            at += bytes;
        }
        return null;
    }
}
