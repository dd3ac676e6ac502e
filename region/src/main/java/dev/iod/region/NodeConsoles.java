package dev.iod.region;

import dev.iod.node.ConsoleKind;
import java.time.Duration;

/** Consoles of servers, on the nodes that are connected. */
public interface NodeConsoles {
    /** How long a node may take until a console is there. */
    Duration DEADLINE = Duration.ofSeconds(15);

    /** Most bytes of one piece, to or from a node. */
    int MAX_PIECE_BYTES = 64 << 10;

    /**
     * Takes a console of a server into use; waits until the node has it.
     *
     * @param server the server's UUID
     * @throws dev.iod.rest.ApiException 409 when the node is not connected, does not answer within
     *     {@link #DEADLINE} or has no such console, 429 when the node's are all in use
     */
    NodeConsole use(String node, String server, ConsoleKind kind);
}
