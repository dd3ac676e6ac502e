package dev.iod.pipeline;

import java.util.Set;

/**
 * What a rule can look at or change: packet headers, connection state and the packet's metadata.
 * Widths are in bits. A field whose header is absent reads as zero and matches nothing but rules
 * that do not name it, so callers add the prerequisite (for example {@code ETH_TYPE == 0x0800}).
 */
public enum Field {
    /** Logical port the packet entered by: datapath key << 16 | port key. */
    IN_PORT(40),
    /** Logical port (or multicast group) the packet leaves by, same encoding, 0 = none. */
    OUT_PORT(40),
    DATAPATH(24),
    REG0(32),
    REG1(32),
    REG2(32),
    REG3(32),
    REG4(32),
    REG5(32),
    REG6(32),
    REG7(32),
    REG8(32),
    REG9(32),
    /** Per-packet flags of the program above; bit {@link #FLAG_LOOPBACK} is the engine's own. */
    FLAGS(32),
    ETH_SRC(48),
    ETH_DST(48),
    ETH_TYPE(16),
    /** 802.1Q tag control information with bit 12 set when a tag is present. */
    VLAN_TCI(16),
    IP_PROTO(8),
    IP_TTL(8),
    IP_DSCP(6),
    IP_ECN(2),
    /** Bit 0: is a fragment; bit 1: is a later fragment. */
    IP_FRAG(2),
    IP4_SRC(32),
    IP4_DST(32),
    IP6_SRC(128),
    IP6_DST(128),
    IP6_LABEL(20),
    ARP_OP(16),
    ARP_SPA(32),
    ARP_TPA(32),
    ARP_SHA(48),
    ARP_THA(48),
    ND_TARGET(128),
    ND_SLL(48),
    ND_TLL(48),
    /** ICMPv4 or ICMPv6 type, as {@link #IP_PROTO} says. */
    ICMP_TYPE(8),
    ICMP_CODE(8),
    /**
     * Bytes 4 to 7 of an ICMPv4 error (for "fragmentation needed" the next-hop MTU in the low
     * half).
     */
    ICMP_REST(32),
    /** TCP, UDP or SCTP source port, as {@link #IP_PROTO} says. */
    L4_SRC(16),
    L4_DST(16),
    TCP_FLAGS(12),
    /**
     * Connection state bits, numbered as in ovs-fields(7): new 1, est 2, rel 4, rpl 8, inv 16, trk
     * 32, snat 64, dnat 128.
     */
    CT_STATE(32),
    CT_MARK(32),
    CT_LABEL(128),
    /** REG0 (most significant) to REG3 as one value, for what looks at 128 bits at once. */
    XXREG0(128),
    /** REG4 (most significant) to REG7 as one value. */
    XXREG1(128);

    /** Bit of {@link #FLAGS}: the packet may leave by the port it came in by. */
    public static final int FLAG_LOOPBACK = 1;

    private final int width;

    Field(int width) {
        this.width = width;
    }

    /** Width in bits, 1 to 128. */
    public int width() {
        return width;
    }

    /** There are fewer than 64 fields, so that a set of them is a long: this one's bit in it. */
    public long bit() {
        return 1L << ordinal();
    }

    /** A set of fields as a long of their {@link #bit}s. */
    public static long bits(Set<Field> fields) {
        long bits = 0;
        for (Field field : fields) {
            bits |= field.bit();
        }
        return bits;
    }

    /** A part of this field: {@code bits} bits from bit {@code offset} (0 = least significant). */
    public Slice slice(int offset, int bits) {
        return new Slice(this, offset, bits);
    }

    /** The whole field. */
    public Slice whole() {
        return new Slice(this, 0, width);
    }

    /** Some consecutive bits of a field. */
    public record Slice(Field field, int offset, int width) {
        public Slice {
            if (offset < 0 || width < 1 || offset + width > field.width) {
                throw new IllegalArgumentException(
                        "bits "
                                + offset
                                + "+"
                                + width
                                + " are outside "
                                + field
                                + " ("
                                + field.width
                                + " bits)");
            }
        }
    }
}
