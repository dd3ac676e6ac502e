package dev.iod.region;

import dev.iod.node.Observed;
import dev.iod.store.Database;

/** Takes what nodes report, for one service. */
public interface NodeObserver {
    /**
     * The node's whole observed state: on every change and every ten seconds, in order per node,
     * never two at once for one node. An exception is logged; the next observation repeats it all.
     *
     * @param database the connections that are kept for nodes
     */
    void observed(Database database, String node, Observed observed);

    /** The node has not been heard for {@link Nodes#DOWN_AFTER}; called once per outage. */
    void down(String node);
}
