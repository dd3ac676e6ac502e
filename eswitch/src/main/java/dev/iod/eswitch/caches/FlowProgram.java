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
    /** Two words each: row << 1 | travels against the initiator; stamp. */
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
     * @param connections two words each: row << 1 | travels against the initiator; stamp
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
