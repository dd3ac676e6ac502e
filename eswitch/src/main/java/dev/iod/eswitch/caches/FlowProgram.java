package dev.iod.eswitch.caches;

import dev.iod.eswitch.connections.ConnectionUse;
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
    private final @Nullable ConnectionUse connections;

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
     * @param connections in whose state it holds; null = it tracks none
     */
    public FlowProgram(
            Collector recorded,
            long version,
            @Nullable ConnectionUse connections,
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
        for (ConnectionUse use = connections; use != null; use = use.next()) {
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

    /** Loads what a hit will need; the sum has no meaning. */
    public long touch() {
        FlowOutput output = only;
        ConnectionUse first = connections;
        return (first == null ? 0 : first.stamp()) + (output == null ? 0 : output.inPort);
    }

    @Override
    public String toString() {
        int tracked = 0;
        for (ConnectionUse use = connections; use != null; use = use.next()) {
            tracked++;
        }
        return (tracked == 0 ? "" : "connections=" + tracked + " ")
                + Arrays.toString(outputs)
                + (drops.length == 0 ? "" : " drops=" + Arrays.toString(drops));
    }
}
