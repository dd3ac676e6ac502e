package dev.iod.eswitch.caches;

import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Under which program something known of packets holds: as long as the datapaths they crossed are
 * of the generation they had then, and for IP packets up to a length. Engine thread only.
 */
public abstract sealed class Validity permits FlowProgram, PathSegment {
    public final int maxIpLength;

    private final int[] datapaths;
    private final long[] generations;

    /** Number of the last state it was found to hold for. */
    private long version;

    /**
     * @param version number of the state it was recorded under
     */
    Validity(Collector recorded, long version) {
        this.maxIpLength = recorded.maxIpLength;
        this.datapaths = Arrays.copyOf(recorded.datapaths, recorded.count);
        this.generations = Arrays.copyOf(recorded.generations, recorded.count);
        this.version = version;
    }

    /**
     * Checked once per published state: O(1) for every packet between two changes.
     *
     * @param now number of the state, which grows with every state
     */
    public final boolean current(PipelineState state, long now) {
        if (version == now) {
            return true;
        }
        for (int i = 0; i < datapaths.length; i++) {
            @Nullable DatapathState datapath = state.datapath(datapaths[i]);
            if (datapath == null || datapath.generation() != generations[i]) {
                return false;
            }
        }
        version = now;
        return true;
    }

    /** Gathers a validity while a packet goes its way. Reused. */
    public static final class Collector {
        private final int[] datapaths;
        private final long[] generations;
        private int count;
        private int maxIpLength;

        /**
         * @param most datapaths there is room for
         */
        public Collector(int most) {
            datapaths = new int[most];
            generations = new long[most];
            clear();
        }

        public void clear() {
            count = 0;
            maxIpLength = Integer.MAX_VALUE;
        }

        /** Holds only under this generation of a datapath. @return false when there is no room */
        public boolean add(int datapath, long generation) {
            for (int i = 0; i < count; i++) {
                if (datapaths[i] == datapath) {
                    return true;
                }
            }
            if (count == datapaths.length) {
                return false;
            }
            datapaths[count] = datapath;
            generations[count++] = generation;
            return true;
        }

        /** Holds only where another does. @return false when there is no room */
        public boolean add(Validity other) {
            upTo(other.maxIpLength);
            boolean room = true;
            for (int i = 0; i < other.datapaths.length; i++) {
                room &= add(other.datapaths[i], other.generations[i]);
            }
            return room;
        }

        /** Holds for IP packets up to this length, bytes. */
        public void upTo(int ipLength) {
            maxIpLength = Math.min(maxIpLength, ipLength);
        }

        boolean isEmpty() {
            return count == 0;
        }
    }
}
