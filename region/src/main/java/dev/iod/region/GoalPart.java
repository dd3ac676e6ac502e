package dev.iod.region;

import dev.iod.node.Goal;
import org.jdbi.v3.core.Handle;

/** Composes what a node shall have of one service. */
@FunctionalInterface
public interface GoalPart {
    /**
     * Adds to the goal of a node what it shall have as of the handle's transaction. The revision is
     * the caller's, read in the same transaction.
     */
    void add(Handle handle, String node, Goal.Builder goal);
}
