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
     * @param project whose server it is
     * @throws dev.iod.rest.ApiException 409 when the node is not connected, does not answer within
     *     {@link #DEADLINE} or does not open the console, 429 when those of the node, or the
     *     project's share of them, are all in use; the words are for users
     */
    NodeConsole use(String node, String server, String project, ConsoleKind kind);
}
