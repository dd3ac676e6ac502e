package dev.iod.eswitch.caches;

import org.jspecify.annotations.Nullable;

/**
 * A stretch of paths without a branch: what all packets do that reach its beginning with the same
 * bits under its mask. Ends with a {@link PathStep.Track} and the node behind it, or ends the path.
 */
public final class PathSegment extends Validity {
    public final PathStep[] steps;
    public final @Nullable PathNode next;

    /**
     * @param recorded under which program it holds
     * @param version number of the state it was recorded under
     */
    public PathSegment(
            Collector recorded, long version, PathStep[] steps, @Nullable PathNode next) {
        super(recorded, version);
        this.steps = steps;
        this.next = next;
    }
}
