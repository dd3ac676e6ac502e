package dev.iod.control.node;

import dev.iod.node.Goal;
import org.jdbi.v3.core.Handle;

/** Composes what a node shall run. The compute service implements it. */
@FunctionalInterface
public interface GoalSource {
    /**
     * The whole goal of a node as of the handle's transaction. The revision is filled in by the
     * caller, read in the same transaction.
     */
    Goal goal(Handle handle, String node);
}
