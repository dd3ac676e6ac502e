package dev.iod.region;

import dev.iod.store.Database;
import org.jdbi.v3.core.Handle;

/** The revision of each node's goal. */
public final class NodeGoals {
    /** Channel whose payload is the node's name. */
    static final String CHANNEL = "node_goal";

    private NodeGoals() {}

    /**
     * Says that the node's goal changes with this transaction: raises the revision and, at commit,
     * wakes the node's session.
     *
     * @return the new revision
     */
    public static long touch(Handle handle, String node) {
        long revision =
                handle.createQuery(
                                "INSERT INTO node_goal (node, revision) VALUES (:node, 1)"
                                        + " ON CONFLICT (node) DO UPDATE"
                                        + " SET revision = node_goal.revision + 1 RETURNING revision")
                        .bind("node", node)
                        .mapTo(Long.class)
                        .one();
        Database.notify(handle, CHANNEL, node);
        return revision;
    }

    /** The node's revision, 0 before the first change. */
    public static long revision(Handle handle, String node) {
        return handle.createQuery("SELECT revision FROM node_goal WHERE node = :node")
                .bind("node", node)
                .mapTo(Long.class)
                .findOne()
                .orElse(0L);
    }
}
