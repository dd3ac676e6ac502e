package dev.iod.pipeline;

import dev.iod.engine.Coded;
import java.util.Set;

/**
 * What a rule can look at or change: packet headers, connection state and the packet's metadata.
 * Widths are in bits. A field whose header is absent reads as zero and matches nothing but rules
 * that do not name it, so callers add the prerequisite (for example {@code ETH_TYPE == 0x0800}).
 */
public enum Field implements Coded {
    /** Logical port the packet entered by: datapath key << 16 | port key. */
    IN_PORT(0, 40),
    /** Logical port (or multicast group) the packet leaves by, same encoding, 0 = none. */
    OUT_PORT(1, 40),
    DATAPATH(2, 24),
    REG0(3, 32),
    REG1(4, 32),
    REG2(5, 32),
    REG3(6, 32),
    REG4(7, 32),
    REG5(8, 32),
    REG6(9, 32),
    REG7(10, 32),
    REG8(11, 32),
    REG9(12, 32),
    /** Per-packet flags of the program above; bit {@link #FLAG_LOOPBACK} is the engine's own. */
    FLAGS(13, 32),
    ETH_SRC(14, 48),
    ETH_DST(15, 48),
    ETH_TYPE(16, 16),
    /** 802.1Q tag control information with bit 12 set when a tag is present. */
    VLAN_TCI(17, 16),
    IP_PROTO(18, 8),
    IP_TTL(19, 8),
    IP_DSCP(20, 6),
    IP_ECN(21, 2),
    /** Bit 0: is a fragment; bit 1: is a later fragment. */
    IP_FRAG(22, 2),
    IP4_SRC(23, 32),
    IP4_DST(24, 32),
    IP6_SRC(25, 128),
    IP6_DST(26, 128),
    IP6_LABEL(27, 20),
    ARP_OP(28, 16),
    ARP_SPA(29, 32),
    ARP_TPA(30, 32),
    ARP_SHA(31, 48),
    ARP_THA(32, 48),
    ND_TARGET(33, 128),
    ND_SLL(34, 48),
    ND_TLL(35, 48),
    /** ICMPv4 or ICMPv6 type, as {@link #IP_PROTO} says. */
    ICMP_TYPE(36, 8),
    ICMP_CODE(37, 8),
    /**
     * Bytes 4 to 7 of an ICMPv4 error (for "fragmentation needed" the next-hop MTU in the low
     * half).
     */
    ICMP_REST(38, 32),
    /** TCP, UDP or SCTP source port, as {@link #IP_PROTO} says. */
    L4_SRC(39, 16),
    L4_DST(40, 16),
    TCP_FLAGS(41, 12),
    /**
     * Connection state bits, numbered as in ovs-fields(7): new 1, est 2, rel 4, rpl 8, inv 16, trk
     * 32, snat 64, dnat 128.
     */
    CT_STATE(42, 32),
    CT_MARK(43, 32),
    CT_LABEL(44, 128),
    /** REG0 (most significant) to REG3 as one value, for what looks at 128 bits at once. */
    XXREG0(45, 128),
    /** REG4 (most significant) to REG7 as one value. */
    XXREG1(46, 128);

    /** Bit of {@link #FLAGS}: the packet may leave by the port it came in by. */
    public static final int FLAG_LOOPBACK = 1;

    private final int code;
    private final int width;

    Field(int code, int width) {
        this.code = code;
        this.width = width;
    }

    @Override
    public int code() {
        return code;
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
