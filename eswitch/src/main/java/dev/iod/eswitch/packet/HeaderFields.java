package dev.iod.eswitch.packet;

import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;

/** Reads and writes {@link Field}s of a packet; checksums follow every change. */
public final class HeaderFields {
    private HeaderFields() {}

    static long low(Packet p, Field field) {
        return switch (field) {
            case IN_PORT -> p.inPort;
            case OUT_PORT -> p.outPort;
            case DATAPATH -> p.datapath;
            case REG0, REG1, REG2, REG3, REG4, REG5, REG6, REG7, REG8, REG9 ->
                    p.registers[field.ordinal() - Field.REG0.ordinal()];
            case FLAGS -> p.flags & 0xffff_ffffL;
            case CT_STATE -> p.ctState;
            case CT_MARK -> p.ctMark & 0xffff_ffffL;
            case CT_LABEL -> p.ctLabelLow;
            case ETH_DST -> p.u48(0);
            case ETH_SRC -> p.u48(6);
            case ETH_TYPE -> p.etherType;
            case VLAN_TCI -> p.vlanTci;
            case IP_PROTO -> p.ipProto;
            case IP_FRAG -> p.fragment;
            case IP_TTL -> p.ipVersion == 0 ? 0 : p.u8(p.l3 + (p.ipVersion == 4 ? 8 : 7));
            case IP_DSCP -> trafficClass(p) >>> 2;
            case IP_ECN -> trafficClass(p) & 3;
            case IP4_SRC -> p.ipVersion == 4 ? p.u32(p.l3 + 12) : 0;
            case IP4_DST -> p.ipVersion == 4 ? p.u32(p.l3 + 16) : 0;
            case IP6_SRC -> p.ipVersion == 6 ? p.u64(p.l3 + 16) : 0;
            case IP6_DST -> p.ipVersion == 6 ? p.u64(p.l3 + 32) : 0;
            case IP6_LABEL -> p.ipVersion == 6 ? p.u32(p.l3) & 0xfffff : 0;
            case ARP_OP -> p.arp ? p.u16(p.l3 + 6) : 0;
            case ARP_SHA -> p.arp ? p.u48(p.l3 + 8) : 0;
            case ARP_SPA -> p.arp ? p.u32(p.l3 + 14) : 0;
            case ARP_THA -> p.arp ? p.u48(p.l3 + 18) : 0;
            case ARP_TPA -> p.arp ? p.u32(p.l3 + 24) : 0;
            case ND_TARGET -> p.neighborDiscovery ? p.u64(p.l4 + 16) : 0;
            case ND_SLL -> p.ndSource == 0 ? 0 : p.u48(p.ndSource);
            case ND_TLL -> p.ndTarget == 0 ? 0 : p.u48(p.ndTarget);
            case ICMP_TYPE -> isIcmp(p) ? p.u8(p.l4) : 0;
            case ICMP_CODE -> isIcmp(p) ? p.u8(p.l4 + 1) : 0;
            case ICMP_REST -> isIcmp(p) ? p.u32(p.l4 + 4) : 0;
            case L4_SRC -> hasPorts(p) ? p.u16(p.l4) : 0;
            case L4_DST -> hasPorts(p) ? p.u16(p.l4 + 2) : 0;
            case TCP_FLAGS -> p.transport == Transport.TCP ? p.tcpFlags() : 0;
            case XXREG0 -> p.registers[2] << 32 | p.registers[3];
            case XXREG1 -> p.registers[6] << 32 | p.registers[7];
        };
    }

    static long high(Packet p, Field field) {
        return switch (field) {
            case IP6_SRC -> p.ipVersion == 6 ? p.u64(p.l3 + 8) : 0;
            case IP6_DST -> p.ipVersion == 6 ? p.u64(p.l3 + 24) : 0;
            case ND_TARGET -> p.neighborDiscovery ? p.u64(p.l4 + 8) : 0;
            case CT_LABEL -> p.ctLabelHigh;
            case XXREG0 -> p.registers[0] << 32 | p.registers[1];
            case XXREG1 -> p.registers[4] << 32 | p.registers[5];
            default -> 0;
        };
    }

    public static boolean isIcmp(Packet p) {
        return p.transport == Transport.ICMP4 || p.transport == Transport.ICMP6;
    }

    public static boolean hasPorts(Packet p) {
        return p.transport == Transport.TCP
                || p.transport == Transport.UDP
                || p.transport == Transport.SCTP;
    }

    private static int trafficClass(Packet p) {
        return switch (p.ipVersion) {
            case 4 -> p.u8(p.l3 + 1);
            case 6 -> p.u16(p.l3) >>> 4 & 0xff;
            default -> 0;
        };
    }

    /** Bits of a slice, right-aligned. */
    public static Bits read(Packet p, Slice slice) {
        long low = p.low(slice.field());
        long high = p.high(slice.field());
        return new Bits(high, low).shiftRight(slice.offset()).and(Bits.ones(slice.width()));
    }

    /** Replaces the bits of a slice; does nothing when the field's header is absent. */
    public static void write(Packet p, Slice slice, Bits value) {
        Field field = slice.field();
        Bits mask = Bits.ones(slice.width()).shiftLeft(slice.offset());
        Bits bits = value.shiftLeft(slice.offset()).and(mask);
        write(
                p,
                field,
                p.high(field) & ~mask.high() | bits.high(),
                p.low(field) & ~mask.low() | bits.low());
    }

    /** Sets a whole field; does nothing when its header is absent. */
    public static void write(Packet p, Field field, long high, long low) {
        p.modified |= field.bit();
        switch (field) {
            case IN_PORT -> p.inPort = low;
            case OUT_PORT -> p.outPort = low;
            case REG0, REG1, REG2, REG3, REG4, REG5, REG6, REG7, REG8, REG9 ->
                    p.registers[field.ordinal() - Field.REG0.ordinal()] = low & 0xffff_ffffL;
            case FLAGS -> p.flags = (int) low;
            case ETH_DST -> p.put48(0, low);
            case ETH_SRC -> p.put48(6, low);
            case IP_TTL -> writeTtl(p, (int) low);
            case IP_DSCP -> writeTrafficClass(p, (int) low << 2 | trafficClass(p) & 3);
            case IP_ECN -> writeTrafficClass(p, trafficClass(p) & 0xfc | (int) low & 3);
            case IP4_SRC -> writeAddress4(p, 12, low);
            case IP4_DST -> writeAddress4(p, 16, low);
            case IP6_SRC -> writeAddress6(p, 8, high, low);
            case IP6_DST -> writeAddress6(p, 24, high, low);
            case ARP_OP, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA -> writeArp(p, field, low);
            case ND_TARGET, ND_SLL, ND_TLL -> writeNeighbor(p, field, high, low);
            case ICMP_TYPE -> writeIcmp(p, 0, (int) low << 8 | icmp16(p, 0) & 0xff);
            case ICMP_CODE -> writeIcmp(p, 0, icmp16(p, 0) & 0xff00 | (int) low & 0xff);
            case ICMP_REST -> {
                writeIcmp(p, 4, (int) (low >>> 16));
                writeIcmp(p, 6, (int) low);
            }
            case L4_SRC -> writePort(p, 0, (int) low);
            case L4_DST -> writePort(p, 2, (int) low);
            case XXREG0 -> writeRegisters(p, 0, high, low);
            case XXREG1 -> writeRegisters(p, 4, high, low);
            case DATAPATH,
                    ETH_TYPE,
                    VLAN_TCI,
                    IP_PROTO,
                    IP_FRAG,
                    IP6_LABEL,
                    TCP_FLAGS,
                    CT_STATE,
                    CT_MARK,
                    CT_LABEL ->
                    throw new IllegalArgumentException(field + " is read-only (see CompiledRule)");
        }
    }

    private static void writeRegisters(Packet p, int first, long high, long low) {
        p.registers[first] = high >>> 32;
        p.registers[first + 1] = high & 0xffff_ffffL;
        p.registers[first + 2] = low >>> 32;
        p.registers[first + 3] = low & 0xffff_ffffL;
    }

    public static void writeTtl(Packet p, int ttl) {
        if (p.ipVersion == 4) {
            writeCovered(p, p.l3 + 8, ttl << 8 | p.ipProtoByte(), p.l3 + 10);
        } else if (p.ipVersion == 6) {
            p.put8(p.l3 + 7, ttl);
        }
    }

    private static void writeTrafficClass(Packet p, int trafficClass) {
        if (p.ipVersion == 4) {
            writeCovered(p, p.l3, p.u8(p.l3) << 8 | trafficClass, p.l3 + 10);
        } else if (p.ipVersion == 6) {
            p.put16(p.l3, p.u16(p.l3) & 0xf00f | trafficClass << 4);
        }
    }

    private static void writeAddress4(Packet p, int offset, long value) {
        if (p.ipVersion == 4) {
            for (int half = 0; half < 2; half++) {
                int at = p.l3 + offset + half * 2;
                int after = (int) (value >>> (16 - half * 16)) & 0xffff;
                coverTransport(p, p.u16(at), after);
                writeCovered(p, at, after, p.l3 + 10);
            }
        }
    }

    private static void writeAddress6(Packet p, int offset, long high, long low) {
        if (p.ipVersion == 6) {
            for (int word = 0; word < 8; word++) {
                int at = p.l3 + offset + word * 2;
                long half = word < 4 ? high : low;
                int after = (int) (half >>> (48 - word % 4 * 16)) & 0xffff;
                coverTransport(p, p.u16(at), after);
                p.put16(at, after);
            }
        }
    }

    private static void writeArp(Packet p, Field field, long value) {
        if (!p.arp) {
            return;
        }
        switch (field) {
            case ARP_OP -> p.put16(p.l3 + 6, (int) value);
            case ARP_SHA -> p.put48(p.l3 + 8, value);
            case ARP_SPA -> p.put32(p.l3 + 14, value);
            case ARP_THA -> p.put48(p.l3 + 18, value);
            case ARP_TPA -> p.put32(p.l3 + 24, value);
            default -> throw new IllegalArgumentException(field + " is not of ARP");
        }
    }

    private static void writeNeighbor(Packet p, Field field, long high, long low) {
        switch (field) {
            case ND_TARGET -> {
                if (p.neighborDiscovery) {
                    write64(p, p.l4 + 8, high);
                    write64(p, p.l4 + 16, low);
                }
            }
            case ND_SLL -> write48(p, p.ndSource, low);
            case ND_TLL -> write48(p, p.ndTarget, low);
            default -> throw new IllegalArgumentException(field + " is not of ND");
        }
    }

    private static void write64(Packet p, int at, long value) {
        for (int word = 0; word < 4; word++) {
            writeCovered(p, at + word * 2, (int) (value >>> (48 - word * 16)) & 0xffff, p.l4 + 2);
        }
    }

    private static void write48(Packet p, int at, long value) {
        for (int word = 0; at != 0 && word < 3; word++) {
            writeCovered(p, at + word * 2, (int) (value >>> (32 - word * 16)) & 0xffff, p.l4 + 2);
        }
    }

    private static int icmp16(Packet p, int offset) {
        return isIcmp(p) ? p.u16(p.l4 + offset) : 0;
    }

    private static void writeIcmp(Packet p, int offset, int value) {
        if (isIcmp(p)) {
            writeCovered(p, p.l4 + offset, value & 0xffff, p.l4 + 2);
        }
    }

    private static void writePort(Packet p, int offset, int value) {
        if (hasPorts(p)) {
            coverTransport(p, p.u16(p.l4 + offset), value & 0xffff);
            p.put16(p.l4 + offset, value);
        }
    }

    /** Writes a 16-bit word and its effect on the checksum field at {@code checksumAt}. */
    private static void writeCovered(Packet p, int at, int after, int checksumAt) {
        int before = p.u16(at);
        p.put16(at, after);
        p.put16(checksumAt, Checksum.replace(p.u16(checksumAt), before, after));
    }

    /** The effect of a changed word of pseudo-header or ports on the transport checksum. */
    private static void coverTransport(Packet p, int before, int after) {
        int at =
                switch (p.transport) {
                    case TCP -> p.l4 + 16;
                    case UDP -> p.u16(p.l4 + 6) == 0 ? 0 : p.l4 + 6;
                    case ICMP6 -> p.l4 + 2;
                    // ICMPv4 has no pseudo-header; SCTP's CRC32c covers no address (RFC 9260).
                    case NONE, SCTP, ICMP4 -> 0;
                };
        if (at != 0) {
            int checksum = Checksum.replace(p.u16(at), before, after);
            p.put16(at, checksum == 0 && p.transport == Transport.UDP ? 0xffff : checksum);
        }
    }
}
