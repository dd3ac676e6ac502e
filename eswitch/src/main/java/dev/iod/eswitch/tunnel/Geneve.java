package dev.iod.eswitch.tunnel;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.IpProtocol;
import dev.iod.pipeline.PortKey;
import org.jspecify.annotations.Nullable;

/**
 * Geneve (RFC 8926) over IPv4 with OVN's metadata option (ovn-architecture(7), "Tunnel
 * Encapsulations"). Works on a packet in place; the headroom takes the outer headers.
 */
public final class Geneve {
    static final int PORT = 6081;

    /** Outer Ethernet, IPv4, UDP, Geneve and one option of 8 bytes. */
    public static final int OVERHEAD = 14 + 20 + 8 + 8 + 8;

    private static final int ETHERNET_PAYLOAD = 0x6558;
    private static final long OPTION = 0x0102_8001L;
    private static final int OPTION_CLASS_AND_TYPE = 0x0102_80;
    private static final int CRITICAL = 0x80;
    private static final int FIXED = 8;

    private Geneve() {}

    /** Where a tunnel starts and ends. MACs as 48-bit, addresses as 32-bit numbers. */
    public record Route(long sourceMac, long nextHopMac, int source, int destination) {}

    /** What a decapsulated packet came with. */
    public static final class Metadata {
        public int vni;
        public int ports;

        /** Whether the metadata option was there. */
        boolean known;

        public int ingress() {
            return ports >>> 16 & PortKey.MAX_PORT;
        }

        public int egress() {
            return ports & 0xffff;
        }
    }

    /**
     * Puts the outer headers in front of the packet.
     *
     * @param hash of the inner flow; picks the UDP source port, so that paths can be balanced
     */
    public static void encapsulate(Packet p, Route route, int vni, int ports, int hash) {
        p.address -= OVERHEAD;
        p.length += OVERHEAD;
        p.put48(0, route.nextHopMac());
        p.put48(6, route.sourceMac());
        p.put16(12, Packet.ETH_TYPE_IP4);
        int total = p.length - 14;
        // Version 4, 5 words; identification 0 and "don't fragment" (RFC 6864 §4.1).
        p.put64(14, 0x4500_0000_0000_4000L | (long) total << 32);
        p.put16(22, 64 << 8 | IpProtocol.UDP);
        p.put16(24, 0);
        p.put32(26, route.source());
        p.put32(30, route.destination());
        p.put16(24, Checksum.of(p.address + 14, 20));
        p.put16(34, 0xc000 | hash & 0x3fff);
        p.put16(36, PORT);
        p.put16(38, total - 20);
        p.put16(40, 0);
        // Two words of options, critical options present.
        p.put16(42, 0x0240);
        p.put16(44, ETHERNET_PAYLOAD);
        p.put32(46, (long) vni << 8);
        p.put32(50, OPTION);
        p.put32(54, ports);
        long pseudo = Checksum.sum(p.address + 26, 8, IpProtocol.UDP + total - 20);
        int checksum = Checksum.finish(Checksum.sum(p.address + 34, total - 20, pseudo));
        p.put16(40, checksum == 0 ? 0xffff : checksum);
    }

    /** Undoes {@link #encapsulate}; the outer headers' bytes are left in the headroom. */
    public static void strip(Packet p) {
        p.address += OVERHEAD;
        p.length -= OVERHEAD;
    }

    /**
     * Takes the outer headers off a parsed frame of the uplink.
     *
     * @return why the frame must be dropped, if so
     */
    public static @Nullable DropReason decapsulate(Packet p, int ourAddress, Metadata metadata) {
        metadata.known = false;
        if (p.ipVersion != 4
                || p.transport != Packet.Transport.UDP
                || p.fragment != 0
                || (int) p.u32(p.l3 + 16) != ourAddress
                || p.u16(p.l4 + 2) != PORT) {
            return DropReason.NOT_OUR_TUNNEL;
        }
        int length = p.u16(p.l4 + 4);
        if (p.u16(p.l4 + 6) != 0 && !checksumHolds(p, length)) {
            return DropReason.BAD_TUNNEL_CHECKSUM;
        }
        int header = p.l4 + 8;
        int end = p.l4 + length;
        if (end - header < FIXED) {
            return DropReason.MALFORMED_TUNNEL;
        }
        int first = p.u8(header);
        int options = (first & 0x3f) * 4;
        if (first >>> 6 != 0 || header + FIXED + options > end) {
            return DropReason.MALFORMED_TUNNEL;
        }
        metadata.vni = (int) (p.u32(header + 4) >>> 8);
        if (metadata.vni == 0 || (p.u8(header + 1) & 0x80) != 0) {
            return DropReason.TUNNEL_CONTROL;
        }
        if (p.u16(header + 2) != ETHERNET_PAYLOAD) {
            return DropReason.MALFORMED_TUNNEL;
        }
        DropReason reason = readOptions(p, header + FIXED, header + FIXED + options, metadata);
        if (reason == null) {
            int inner = header + FIXED + options;
            p.address += inner;
            p.length = end - inner;
        }
        return reason;
    }

    private static boolean checksumHolds(Packet p, int length) {
        long pseudo = Checksum.sum(p.address + p.l3 + 12, 8, IpProtocol.UDP + length);
        return Checksum.finish(Checksum.sum(p.address + p.l4, length, pseudo)) == 0;
    }

    private static @Nullable DropReason readOptions(
            Packet p, int from, int end, Metadata metadata) {
        int at = from;
        while (at < end) {
            if (end - at < 4) {
                return DropReason.MALFORMED_TUNNEL;
            }
            int classAndType = (int) (p.u32(at) >>> 8);
            int length = (p.u8(at + 3) & 0x1f) * 4;
            if (at + 4 + length > end) {
                return DropReason.MALFORMED_TUNNEL;
            }
            if (classAndType == OPTION_CLASS_AND_TYPE && length == 4) {
                metadata.ports = (int) p.u32(at + 4);
                metadata.known = true;
            } else if ((classAndType & CRITICAL) != 0) {
                return DropReason.UNKNOWN_CRITICAL_OPTION;
            }
            at += 4 + length;
        }
        return metadata.known ? null : DropReason.MALFORMED_TUNNEL;
    }
}
