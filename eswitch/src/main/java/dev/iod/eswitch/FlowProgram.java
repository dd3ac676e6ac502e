package dev.iod.eswitch;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is done to every packet of one cached flow, and under which conditions: the datapaths it
 * crosses are of the generation it was made from, its connections in the state it saw. Engine
 * thread only.
 */
final class FlowProgram {
    private final int[] datapaths;
    private final long[] generations;
    private final int[] connections;
    private final int[] stamps;
    private final boolean[] replies;
    private final int maxIpLength;
    final FlowOutput[] outputs;
    final DropReason[] drops;
    private PipelineState validFor;

    long packets;
    long bytes;
    long lastUsedMillis;

    FlowProgram(
            int[] datapaths,
            long[] generations,
            int[] connections,
            int[] stamps,
            boolean[] replies,
            int maxIpLength,
            FlowOutput[] outputs,
            DropReason[] drops,
            PipelineState state) {
        this.datapaths = datapaths;
        this.generations = generations;
        this.connections = connections;
        this.stamps = stamps;
        this.replies = replies;
        this.maxIpLength = maxIpLength;
        this.outputs = outputs;
        this.drops = drops;
        this.validFor = state;
    }

    /** Checked once per published state: O(1) for every packet between two changes. */
    boolean current(PipelineState state) {
        if (validFor == state) {
            return true;
        }
        for (int i = 0; i < datapaths.length; i++) {
            PipelineState.@Nullable DatapathState now = state.datapath(datapaths[i]);
            if (now == null || now.generation() != generations[i]) {
                return false;
            }
        }
        validFor = state;
        return true;
    }

    /** Whether this packet may take the cached way; refreshes its connections if so. */
    boolean admits(Packet p, Conntrack conntrack, long nowMillis) {
        if (p.ipLength() > maxIpLength) {
            return false;
        }
        for (int i = 0; i < connections.length; i++) {
            if (!conntrack.refresh(connections[i], stamps[i], replies[i], p, nowMillis)) {
                return false;
            }
        }
        return true;
    }

    void use(int packetBytes, long nowMillis) {
        packets++;
        bytes += packetBytes;
        lastUsedMillis = nowMillis;
    }

    @Override
    public String toString() {
        return (connections.length == 0 ? "" : "connections=" + connections.length + " ")
                + Arrays.toString(outputs)
                + (drops.length == 0 ? "" : " drops=" + Arrays.toString(drops));
    }
}
