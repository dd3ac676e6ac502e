package dev.iod.eswitch.caches;

import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.pipeline.DropReason;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is done to every packet of one cached flow, and under which conditions: the datapaths it
 * crosses are of the generation it was made from, its connections in the state it saw. Engine
 * thread only.
 */
public final class FlowProgram {
    private final int[] datapaths;
    private final long[] generations;

    /** Two words each: row << 1 | travels against the initiator; stamp. */
    private final long[] connections;

    private final int maxIpLength;
    public final FlowOutput[] outputs;

    /** The output when there is just one, which saves a hit a load. */
    public final @Nullable FlowOutput only;

    public final DropReason[] drops;
    private PipelineState validFor;

    /** Whose entry it is in the flow table. */
    final Sender sender;

    long packets;
    long bytes;
    long lastUsedMillis;

    FlowProgram(
            int[] datapaths,
            long[] generations,
            long[] connections,
            int maxIpLength,
            FlowOutput[] outputs,
            DropReason[] drops,
            PipelineState state,
            Sender sender) {
        assert datapaths.length > 0 : "no change would ever make it stale";
        this.datapaths = datapaths;
        this.generations = generations;
        this.connections = connections;
        this.maxIpLength = maxIpLength;
        this.outputs = outputs;
        this.only = outputs.length == 1 && drops.length == 0 ? outputs[0] : null;
        this.drops = drops;
        this.validFor = state;
        this.sender = sender;
    }

    /** Checked once per published state: O(1) for every packet between two changes. */
    public boolean current(PipelineState state) {
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
    public boolean admits(Packet p, Conntrack conntrack, long nowMillis) {
        if (p.ipLength() > maxIpLength) {
            return false;
        }
        for (int i = 0; i < connections.length; i += 2) {
            int row = (int) (connections[i] >>> 1);
            boolean reply = (connections[i] & 1) != 0;
            if (!conntrack.refresh(row, (int) connections[i + 1], reply, p, nowMillis)) {
                return false;
            }
        }
        return true;
    }

    public void use(int packetBytes, long nowMillis) {
        packets++;
        bytes += packetBytes;
        lastUsedMillis = nowMillis;
    }

    /** Loads what a hit will need; the sum has no meaning. */
    public long touch() {
        FlowOutput output = only;
        return connections.length + (output == null ? 0 : output.inPort);
    }

    @Override
    public String toString() {
        return (connections.length == 0 ? "" : "connections=" + connections.length / 2 + " ")
                + Arrays.toString(outputs)
                + (drops.length == 0 ? "" : " drops=" + Arrays.toString(drops));
    }
}
