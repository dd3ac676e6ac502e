package dev.iod.region;

import dev.iod.node.Observed;
import dev.iod.store.Database;
import org.jdbi.v3.core.Handle;

/** Takes what nodes report and what becomes of them, for one service. */
public interface NodeObserver {
    /**
     * The node's whole observed state: on every change and every ten seconds, in order per node,
     * never two at once for one node. An exception is logged; the next observation repeats it all.
     *
     * @param database the connections that are kept for nodes
     */
    void observed(Database database, String node, Observed observed);

    /**
     * A node has come up, or the time that nodes have to come back is over ({@link Grace}): what
     * has waited for nodes can be decided. An exception is logged; a later call repeats it.
     */
    default void nodesSettled(Database database) {}

    /**
     * A node is about to be removed, in the same transaction: what only waits for it to answer can
     * go.
     *
     * @param node one that is not up
     */
    default void removing(Handle handle, String node) {}
}
