package dev.iod.eswitch.caches;

import dev.iod.eswitch.connections.ConnectionTable;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Watches one packet on its way, by a known path or through the pipeline, and says at the end
 * whether the next packet with the same {@link FlowKey} would go the same way, and if so, which.
 * What it sees of the pipeline goes to the {@link PathRecorder} too. Reused by the engine thread.
 */
public final class FlowRecorder implements Looks {
    /** Most datapaths, connections and outputs of a flow that is cached. */
    static final int MAX_PARTS = 8;

    /** What may differ in a packet that leaves; the rest is metadata. */
    private static final long HEADERS = Field.bits(EnumSet.range(Field.ETH_SRC, Field.TCP_FLAGS));

    private final List<FlowOutput> outputs = new ArrayList<>();
    private final List<DropReason> drops = new ArrayList<>();
    private final int[] datapaths = new int[MAX_PARTS];
    private final long[] generations = new long[MAX_PARTS];
    private int datapathCount;
    private final int[] connections = new int[MAX_PARTS];
    private final boolean[] replies = new boolean[MAX_PARTS];
    private int connectionCount;
    private int maxIpLength;
    private @Nullable Counter obstacle;
    public final PathRecorder path;

    public FlowRecorder(PathRecorder path) {
        this.path = path;
    }

    public void start() {
        outputs.clear();
        drops.clear();
        datapathCount = 0;
        connectionCount = 0;
        maxIpLength = Integer.MAX_VALUE;
        obstacle = null;
    }

    /** Neither packet nor path can be cached, for this reason; the first one counts. */
    public void obstacle(Counter why) {
        entryObstacle(why);
        path.stop(why);
    }

    private void entryObstacle(Counter why) {
        if (obstacle == null) {
            obstacle = why;
        }
    }

    @Override
    public void look(Packet p, Field field, long high, long low) {
        // What was written is known, for it was made of what was looked at before.
        if ((p.modified & field.bit()) == 0) {
            if ((FlowMask.unkeyed(p) & field.bit()) != 0) {
                obstacle(Counter.UNCACHED_FIELD);
            }
            path.look(p, field, high, low);
        }
    }

    /** A slice is about to be written; unless it is the whole field, the rest of it stays. */
    public void writes(Packet p, Slice slice) {
        if (slice.width() < slice.field().width()) {
            look(p, slice.field());
        }
    }

    public void datapath(DatapathState datapath) {
        path.datapath(datapath);
        datapath(datapath.row().key(), datapath.generation());
    }

    private void datapath(int key, long generation) {
        for (int i = 0; i < datapathCount; i++) {
            if (datapaths[i] == key) {
                return;
            }
        }
        if (datapathCount == MAX_PARTS) {
            entryObstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        datapaths[datapathCount] = key;
        generations[datapathCount++] = generation;
    }

    /** The packet takes this known stretch. */
    public void follows(PathSegment segment) {
        for (int i = 0; i < segment.datapathCount(); i++) {
            datapath(segment.datapath(i), segment.generation(i));
        }
        maxIpLength = Math.min(maxIpLength, segment.maxIpLength);
    }

    /** The packet's treatment depends on a connection's present state. */
    public void connection(int slot, boolean reply) {
        if (slot == ConnectionTable.NONE) {
            entryObstacle(Counter.UNCACHED_CONNECTION);
            return;
        }
        for (int i = 0; i < connectionCount; i++) {
            if (connections[i] == slot && replies[i] == reply) {
                return;
            }
        }
        if (connectionCount == MAX_PARTS) {
            entryObstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        connections[connectionCount] = slot;
        replies[connectionCount++] = reply;
    }

    /** The result holds for IP packets up to this length. */
    public void upTo(int ipLength) {
        maxIpLength = Math.min(maxIpLength, ipLength);
        path.upTo(ipLength);
    }

    /** The packet leaves the pipeline as it is now. */
    public void output(Packet p, FlowOutput.Target target) {
        if ((p.modified & FlowMask.unkeyed(p)) != 0) {
            obstacle(Counter.UNCACHED_FIELD);
            return;
        }
        FlowOutput output = new FlowOutput(p, p.modified & HEADERS, target);
        output(output);
        path.step(new PathStep.Send(output));
    }

    /** An output of a known path. */
    public void output(FlowOutput output) {
        if (outputs.size() == MAX_PARTS) {
            entryObstacle(Counter.UNCACHED_SHAPE);
        } else {
            outputs.add(output);
        }
    }

    public void drop(DropReason reason) {
        if (drops.size() == MAX_PARTS) {
            entryObstacle(Counter.UNCACHED_SHAPE);
        } else {
            drops.add(reason);
        }
    }

    /** What stands against an entry of the packet's own. */
    public @Nullable Counter obstacle() {
        return obstacle;
    }

    public FlowProgram program(Conntrack conntrack, PipelineState state, Sender sender) {
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
                state,
                sender);
    }
}
