package dev.iod.region;

import java.time.Duration;

/** What services may ask of a node that is connected. */
public interface NodeSessions {
    /** How long a node may take to answer a console request. */
    Duration CONSOLE_DEADLINE = Duration.ofSeconds(5);

    /**
     * Whether nodes have had the time to come back since the region's start. Before that, one that
     * is down may come up any moment, and {@link NodeObserver#nodesSettled} says when to look
     * again.
     */
    boolean settled();

    /** Whether the node has a session with this process now. */
    boolean connected(String node);

    /**
     * The last bytes of a server's console log.
     *
     * @param maxBytes 1 to 1 MiB
     * @throws dev.iod.rest.ApiException 409 when the node is not connected or does not answer
     *     within {@link #CONSOLE_DEADLINE}, 404 when it has no console for the server
     */
    byte[] console(String node, String serverId, int maxBytes);
}
