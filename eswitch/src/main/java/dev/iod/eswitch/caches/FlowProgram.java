package dev.iod.eswitch.caches;

import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.DropReason;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is done to every packet of one cached flow, and under which conditions: its {@link Validity}
 * holds and its connections are in the state it saw. Engine thread only.
 */
public final class FlowProgram extends Validity {
    private final long[] connections;

    public final FlowOutput[] outputs;

    /** The output when there is just one, which saves a hit a load. */
    public final @Nullable FlowOutput only;

    public final DropReason[] drops;

    /** Whose entry it is in the flow table. */
    final Sender sender;

    long packets;
    long bytes;
    long lastUsedMillis;

    /**
     * @param recorded under which program it holds
     * @param version number of the state it was recorded under
     * @param connections in whose state it holds ({@link Conntrack#use})
     */
    public FlowProgram(
            Collector recorded,
            long version,
            long[] connections,
            FlowOutput[] outputs,
            DropReason[] drops,
            Sender sender) {
        super(recorded, version);
        assert !recorded.isEmpty() : "no change would ever make it stale";
        this.connections = connections;
        this.outputs = outputs;
        this.only = outputs.length == 1 && drops.length == 0 ? outputs[0] : null;
        this.drops = drops;
        this.sender = sender;
    }

    /** Whether this packet may take the cached way; refreshes its connections if so. */
    public boolean admits(Packet p, Conntrack conntrack, long nowMillis) {
        if (p.ipLength() > maxIpLength) {
            return false;
        }
        for (long use : connections) {
            if (!conntrack.refresh(use, p, nowMillis)) {
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

    /** Loads what a hit will need, this object's both ends first; the sum has no meaning. */
    public long touch() {
        FlowOutput output = only;
        return maxIpLength + connections.length + (output == null ? 0 : output.inPort);
    }

    /** As {@link #touch}, of the connections' rows, which are found by what that loads. */
    public long touchConnections(Conntrack conntrack) {
        long sum = 0;
        for (long use : connections) {
            sum += conntrack.touch(use);
        }
        return sum;
    }

    @Override
    public String toString() {
        return (connections.length == 0 ? "" : "connections=" + connections.length + " ")
                + Arrays.toString(outputs)
                + (drops.length == 0 ? "" : " drops=" + Arrays.toString(drops));
    }
}
