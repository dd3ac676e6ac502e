package dev.iod.eswitch.caches;

import dev.iod.eswitch.rules.PipelineState;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of paths without a branch: what all packets do that reach its beginning with the same
 * bits under its mask. Ends with a {@link PathStep.Track} and the node behind it, or ends the path.
 */
public final class PathSegment {
    public final PathStep[] steps;
    public final @Nullable PathNode next;
    public final int maxIpLength;
    private final int[] datapaths;
    private final long[] generations;
    private long validFor;

    /**
     * @param datapaths keys of the datapaths it runs through
     * @param generations theirs
     * @param maxIpLength longest IP packet it holds for
     * @param version of the state it was made from
     */
    PathSegment(
            PathStep[] steps,
            @Nullable PathNode next,
            int[] datapaths,
            long[] generations,
            int maxIpLength,
            long version) {
        this.steps = steps;
        this.next = next;
        this.datapaths = datapaths;
        this.generations = generations;
        this.maxIpLength = maxIpLength;
        this.validFor = version;
    }

    /** Whether the program is still the one it was made from. */
    public boolean current(PipelineState state, long version) {
        if (validFor == version) {
            return true;
        }
        for (int i = 0; i < datapaths.length; i++) {
            PipelineState.@Nullable DatapathState now = state.datapath(datapaths[i]);
            if (now == null || now.generation() != generations[i]) {
                return false;
            }
        }
        validFor = version;
        return true;
    }

    int datapathCount() {
        return datapaths.length;
    }

    int datapath(int index) {
        return datapaths[index];
    }

    long generation(int index) {
        return generations[index];
    }
}
