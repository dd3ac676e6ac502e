package dev.iod.eswitch;

import dev.iod.eswitch.Packet.Transport;
import dev.iod.eswitch.PipelineState.DatapathState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Watches one packet on its way through the pipeline and says at the end whether the next packet
 * with the same {@link FlowKey} would go the same way, and if so, which. Reused by the engine
 * thread.
 */
final class FlowRecorder {
    /** Most datapaths, connections and outputs of a flow that is cached. */
    static final int MAX_PARTS = 8;

    /** Fields whose value the flow key fixes. */
    private static final long KEYED = keyed();

    private static final long HEADERS = headers();

    private final List<FlowOutput> outputs = new ArrayList<>();
    private final List<DropReason> drops = new ArrayList<>();
    private final int[] datapaths = new int[MAX_PARTS];
    private final long[] generations = new long[MAX_PARTS];
    private int datapathCount;
    private final int[] connections = new int[MAX_PARTS];
    private final boolean[] replies = new boolean[MAX_PARTS];
    private int connectionCount;
    private int maxIpLength;
    private long looked;
    private @Nullable Counter obstacle;

    private static long keyed() {
        return fields(
                EnumSet.of(
                        Field.ETH_SRC,
                        Field.ETH_DST,
                        Field.ETH_TYPE,
                        Field.VLAN_TCI,
                        Field.IP_PROTO,
                        Field.IP_TTL,
                        Field.IP_DSCP,
                        Field.IP_ECN,
                        Field.IP_FRAG,
                        Field.IP4_SRC,
                        Field.IP4_DST,
                        Field.IP6_SRC,
                        Field.IP6_DST,
                        Field.IP6_LABEL,
                        Field.ICMP_TYPE,
                        Field.ICMP_CODE,
                        Field.L4_SRC,
                        Field.L4_DST));
    }

    private static long headers() {
        return keyed()
                | fields(
                        EnumSet.of(
                                Field.ARP_OP,
                                Field.ARP_SPA,
                                Field.ARP_TPA,
                                Field.ARP_SHA,
                                Field.ARP_THA,
                                Field.ND_TARGET,
                                Field.ND_SLL,
                                Field.ND_TLL,
                                Field.ICMP_REST,
                                Field.TCP_FLAGS));
    }

    private static long fields(Set<Field> fields) {
        long bits = 0;
        for (Field field : fields) {
            bits |= Predicate.bit(field);
        }
        return bits;
    }

    void start() {
        outputs.clear();
        drops.clear();
        datapathCount = 0;
        connectionCount = 0;
        maxIpLength = Integer.MAX_VALUE;
        looked = 0;
        obstacle = null;
    }

    /** The packet cannot be cached, for this reason; the first one counts. */
    void obstacle(Counter why) {
        if (obstacle == null) {
            obstacle = why;
        }
    }

    void looked(long fields) {
        looked |= fields;
    }

    void datapath(DatapathState datapath) {
        int key = datapath.row().key();
        for (int i = 0; i < datapathCount; i++) {
            if (datapaths[i] == key) {
                return;
            }
        }
        if (datapathCount == MAX_PARTS) {
            obstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        datapaths[datapathCount] = key;
        generations[datapathCount++] = datapath.generation();
    }

    /** The packet's treatment depends on a connection's present state. */
    void connection(int slot, boolean reply) {
        if (slot == ConnectionTable.NONE) {
            obstacle(Counter.UNCACHED_CONNECTION);
            return;
        }
        for (int i = 0; i < connectionCount; i++) {
            if (connections[i] == slot && replies[i] == reply) {
                return;
            }
        }
        if (connectionCount == MAX_PARTS) {
            obstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        connections[connectionCount] = slot;
        replies[connectionCount++] = reply;
    }

    /** The result holds for IP packets up to this length. */
    void upTo(int ipLength) {
        maxIpLength = Math.min(maxIpLength, ipLength);
    }

    void output(Packet p, FlowOutput.Target target) {
        if (outputs.size() == MAX_PARTS) {
            obstacle(Counter.UNCACHED_SHAPE);
        } else if ((p.modified & HEADERS & ~KEYED) != 0) {
            obstacle(Counter.UNCACHED_FIELD);
        } else {
            outputs.add(new FlowOutput(p, p.modified & HEADERS, target));
        }
    }

    void drop(DropReason reason) {
        if (drops.size() == MAX_PARTS) {
            obstacle(Counter.UNCACHED_SHAPE);
        } else {
            drops.add(reason);
        }
    }

    /** What stands against caching, looking also at what the key does not hold. */
    @Nullable Counter obstacle(Transport transport) {
        if (obstacle != null) {
            return obstacle;
        }
        long unkeyed =
                switch (transport) {
                    case TCP -> Predicate.bit(Field.TCP_FLAGS);
                    case ICMP4, ICMP6 -> Predicate.bit(Field.ICMP_REST);
                    case NONE, UDP, SCTP -> 0;
                };
        return (looked & unkeyed) != 0 ? Counter.UNCACHED_FIELD : null;
    }

    FlowProgram program(Conntrack conntrack, PipelineState state) {
        long[] assumed = new long[connectionCount * 2];
        for (int i = 0; i < connectionCount; i++) {
            assumed[i * 2] = (long) connections[i] << 1 | (replies[i] ? 1 : 0);
            assumed[i * 2 + 1] = conntrack.stamp(connections[i]);
        }
        return new FlowProgram(
                Arrays.copyOf(datapaths, datapathCount),
                Arrays.copyOf(generations, datapathCount),
                assumed,
                maxIpLength,
                outputs.toArray(FlowOutput[]::new),
                drops.toArray(DropReason[]::new),
                state);
    }
}
