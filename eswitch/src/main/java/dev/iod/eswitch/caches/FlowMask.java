package dev.iod.eswitch.caches;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Field;
import java.util.EnumSet;

/**
 * Bits of a {@link FlowKey} somebody looked at. Two packets whose keys agree in these bits look the
 * same to whoever looked. The family and the ingress are always among them, the protocol too: they
 * say which fields there are. One thread; reused.
 */
public final class FlowMask {
    private static final long ARP = Field.bits(EnumSet.range(Field.ARP_OP, Field.ARP_THA));
    private static final long ND = Field.bits(EnumSet.range(Field.ND_TARGET, Field.ND_TLL));

    public final long[] words = new long[FlowKey.WORDS];

    public FlowMask() {
        clear();
    }

    /** Only what is always looked at. */
    public void clear() {
        for (int i = 0; i < words.length; i++) {
            words[i] = 0;
        }
        words[FlowKey.INGRESS] = -1;
        words[FlowKey.SOURCE] = 0xff;
    }

    /** Header fields that this packet has and its key does not hold, as {@link Field#bits}. */
    public static long unkeyed(Packet p) {
        return (p.arp ? ARP : 0)
                | (p.neighborDiscovery ? ND : 0)
                | (HeaderFields.isIcmp(p) ? Field.ICMP_REST.bit() : 0)
                | (p.transport == Packet.Transport.TCP ? Field.TCP_FLAGS.bit() : 0);
    }

    /**
     * Adds some bits of a field. Metadata adds nothing: it is made of what was looked at before;
     * nor does what the key does not hold ({@link #unkeyed}).
     */
    public void add(Packet p, Field field, long high, long low) {
        switch (field) {
            case ETH_DST -> words[FlowKey.DESTINATION] |= low << 16;
            case VLAN_TCI -> words[FlowKey.DESTINATION] |= low;
            case ETH_SRC -> words[FlowKey.SOURCE] |= low << 16;
            case IP_TTL -> words[FlowKey.SOURCE] |= low << 8;
            case IP_DSCP -> words[FlowKey.PORTS] |= low << (p.ipVersion == 4 ? 26 : 22);
            case IP_ECN -> words[FlowKey.PORTS] |= low << (p.ipVersion == 4 ? 24 : 20);
            case IP6_LABEL -> words[FlowKey.PORTS] |= p.ipVersion == 6 ? low : 0;
            case IP4_SRC -> words[FlowKey.ADDRESSES] |= p.ipVersion == 4 ? low << 32 : 0;
            case IP4_DST -> words[FlowKey.ADDRESSES] |= p.ipVersion == 4 ? low : 0;
            case IP6_SRC -> addAddress6(p, FlowKey.ADDRESSES, high, low);
            case IP6_DST -> addAddress6(p, FlowKey.ADDRESSES + 2, high, low);
            case L4_SRC -> words[FlowKey.PORTS] |= HeaderFields.hasPorts(p) ? low << 48 : 0;
            case L4_DST -> words[FlowKey.PORTS] |= HeaderFields.hasPorts(p) ? low << 32 : 0;
            case ICMP_TYPE -> words[FlowKey.PORTS] |= HeaderFields.isIcmp(p) ? low << 56 : 0;
            case ICMP_CODE -> words[FlowKey.PORTS] |= HeaderFields.isIcmp(p) ? low << 48 : 0;
            // Only IP packets that are whole have a key; the ingress word tells the family.
            case ETH_TYPE, IP_PROTO, IP_FRAG -> {}
            case ICMP_REST,
                    TCP_FLAGS,
                    ARP_OP,
                    ARP_SHA,
                    ARP_SPA,
                    ARP_THA,
                    ARP_TPA,
                    ND_TARGET,
                    ND_SLL,
                    ND_TLL -> {}
            case IN_PORT,
                    OUT_PORT,
                    DATAPATH,
                    REG0,
                    REG1,
                    REG2,
                    REG3,
                    REG4,
                    REG5,
                    REG6,
                    REG7,
                    REG8,
                    REG9,
                    XXREG0,
                    XXREG1,
                    FLAGS,
                    CT_STATE,
                    CT_MARK,
                    CT_LABEL -> {}
        }
    }

    private void addAddress6(Packet p, int word, long high, long low) {
        if (p.ipVersion == 6) {
            words[word] |= high;
            words[word + 1] |= low;
        }
    }
}
