package dev.iod.dpu;

import java.nio.file.Path;
import java.util.Set;

/**
 * The node's place in the virtual network, as the reconciler needs it. All operations can be
 * repeated; they change what is wanted, and the chassis makes it so at its own pace.
 */
interface Network {
    /**
     * A network interface of a server.
     *
     * @param port the logical port's name
     * @param socket where the VMM listens
     * @param mac {@code aa:bb:cc:dd:ee:ff}
     * @param mtuBytes the largest packet
     */
    record Interface(String port, Path socket, String mac, int mtuBytes) {}

    void plug(Interface wanted);

    void unplug(String port);

    /** Says that what runs already is plugged: what is bound to this node and is not, may go. */
    void allPlugged();

    Set<String> plugged();

    /** Whether the port is claimed and its flows are live in the engine. */
    boolean live(String port);
}
