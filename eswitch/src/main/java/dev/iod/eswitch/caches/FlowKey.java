package dev.iod.eswitch.caches;

import dev.iod.eswitch.connections.Tuple;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Hash;
import dev.iod.sys.Memory;

/**
 * Everything of a packet the pipeline may look at and a cached flow relies on, in eight words: one
 * cache line. Only packets for which these words say it all have a key; see {@link #of}. Words: the
 * ingress and the family; destination MAC and VLAN; source MAC, TTL and protocol; ports (or ICMP
 * type, code and identifier) and traffic class; four of addresses.
 */
public final class FlowKey {
    public static final int WORDS = 8;

    /** What a key takes in memory: a cache line. */
    static final int BYTES = WORDS * Long.BYTES;

    public static final int INGRESS = 0;
    static final int DESTINATION = 1;
    static final int SOURCE = 2;
    static final int PORTS = 3;
    static final int ADDRESSES = 4;

    private static final long FAMILY6 = 1L << 62;
    private static final int TCP_STATEFUL = Packet.TCP_SYN | Packet.TCP_FIN | Packet.TCP_RST;

    private static final long M0 = Hash.factor(0);
    private static final long M1 = Hash.factor(1);
    private static final long M2 = Hash.factor(2);
    private static final long M3 = Hash.factor(3);
    private static final long M4 = Hash.factor(4);
    private static final long M5 = Hash.factor(5);
    private static final long M6 = Hash.factor(6);
    private static final long M7 = Hash.factor(7);

    public final long[] words = new long[WORDS];

    /** Ingress word of a device. */
    public static long device(int device) {
        return 1L << 63 | device;
    }

    /** Ingress word of a tunnel: VNI and the metadata option's 32 bits. */
    public static long tunnel(int vni, int metadata) {
        return (long) vni << 32 | metadata & 0xffff_ffffL;
    }

    /** What may be cached of a packet with this key. */
    public enum Cacheability {
        /** Nothing: the packet must go through the pipeline. */
        NONE,
        /** Its path may be known, but it opens or closes a connection, so it makes no entry. */
        PATH,
        /** The next packet with this key goes the same way while its connections stay the same. */
        ENTRY
    }

    /**
     * Takes the key of a parsed packet. Without one: no IP, fragments, IP options, ICMP other than
     * echo.
     */
    public Cacheability of(Packet p, long ingress) {
        if (p.ipVersion == 0 || p.fragment != 0 || p.ipOptions) {
            return Cacheability.NONE;
        }
        Cacheability cacheability = Cacheability.ENTRY;
        int ports = 0;
        switch (p.transport) {
            case TCP -> {
                int flags = p.tcpFlags();
                if ((flags & TCP_STATEFUL) != 0 || (flags & Packet.TCP_ACK) == 0) {
                    cacheability = Cacheability.PATH;
                }
                ports = (int) p.u32(p.l4);
            }
            case UDP, SCTP -> ports = (int) p.u32(p.l4);
            case ICMP4, ICMP6 -> {
                if (!Tuple.isEcho(p)) {
                    return Cacheability.NONE;
                }
                ports = p.u16(p.l4) << 16 | p.u16(p.l4 + 4);
            }
            case NONE -> {}
        }
        words[1] = p.u64(0) >>> 16 << 16 | p.vlanTci;
        long source = p.u64(6) >>> 16 << 16;
        if (p.ipVersion == 4) {
            words[0] = ingress;
            words[2] = source | p.u16(p.l3 + 8);
            words[3] = (long) ports << 32 | (long) p.u8(p.l3 + 1) << 24;
            words[4] = p.u64(p.l3 + 12);
            words[5] = 0;
            words[6] = 0;
            words[7] = 0;
        } else {
            words[0] = ingress | FAMILY6;
            words[2] = source | p.u8(p.l3 + 7) << 8 | p.ipProto;
            // Version, traffic class and label are one word of the header.
            words[3] = (long) ports << 32 | p.u32(p.l3);
            words[4] = p.u64(p.l3 + 8);
            words[5] = p.u64(p.l3 + 16);
            words[6] = p.u64(p.l3 + 24);
            words[7] = p.u64(p.l3 + 32);
        }
        return cacheability;
    }

    public boolean same(FlowKey other) {
        long[] w = words;
        long[] o = other.words;
        return ((o[0] ^ w[0])
                        | (o[1] ^ w[1])
                        | (o[2] ^ w[2])
                        | (o[3] ^ w[3])
                        | (o[4] ^ w[4])
                        | (o[5] ^ w[5])
                        | (o[6] ^ w[6])
                        | (o[7] ^ w[7]))
                == 0;
    }

    /** Whether these words are in memory. All at once: to be equal is the rule. */
    boolean isAt(long address) {
        long[] w = words;
        long at = Memory.base(address);
        return ((Memory.readLong(at) ^ w[0])
                        | (Memory.readLong(at + 8) ^ w[1])
                        | (Memory.readLong(at + 16) ^ w[2])
                        | (Memory.readLong(at + 24) ^ w[3])
                        | (Memory.readLong(at + 32) ^ w[4])
                        | (Memory.readLong(at + 40) ^ w[5])
                        | (Memory.readLong(at + 48) ^ w[6])
                        | (Memory.readLong(at + 56) ^ w[7]))
                == 0;
    }

    void write(long address) {
        for (int i = 0; i < WORDS; i++) {
            Memory.writeLong(address + (long) i * Long.BYTES, words[i]);
        }
    }

    void read(long address) {
        for (int i = 0; i < WORDS; i++) {
            words[i] = Memory.readLong(address + (long) i * Long.BYTES);
        }
    }

    /** Multilinear, with secret factors: the products do not wait for each other. */
    public int hash() {
        long[] w = words;
        long hash =
                (w[0] * M0 + w[1] * M1)
                        + (w[2] * M2 + w[3] * M3)
                        + (w[4] * M4 + w[5] * M5)
                        + (w[6] * M6 + w[7] * M7);
        hash ^= hash >>> 32;
        return (int) (hash * 0x9E37_79B9_7F4A_7C15L >>> 32);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        long ingress = words[INGRESS];
        if (ingress < 0) {
            text.append("device=").append((int) ingress);
        } else {
            text.append("vni=").append(ingress >>> 32 & 0xff_ffff);
            text.append(",in=").append(ingress >>> 16 & 0xffff);
            text.append(",out=").append(ingress & 0xffff);
        }
        text.append(",dst=").append(Long.toHexString(words[DESTINATION] >>> 16));
        text.append(",src=").append(Long.toHexString(words[SOURCE] >>> 16));
        boolean four = (ingress & FAMILY6) == 0;
        text.append(four ? ",ip4=" : ",ip6=");
        for (int i = ADDRESSES; i < (four ? ADDRESSES + 1 : WORDS); i++) {
            text.append(Long.toHexString(words[i])).append(i + 1 < WORDS && !four ? ":" : "");
        }
        text.append(",proto=").append(words[SOURCE] & 0xff);
        text.append(",ports=").append(words[PORTS] >>> 48 & 0xffff);
        text.append('/').append(words[PORTS] >>> 32 & 0xffff);
        return text.toString();
    }
}
