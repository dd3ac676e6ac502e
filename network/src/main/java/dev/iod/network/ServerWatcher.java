package dev.iod.network;

import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Is told when a request to the network API changed the ports of a server. */
@FunctionalInterface
public interface ServerWatcher {
    /** Called in the transaction of the change; the port may be gone, and so may the server. */
    void portsChanged(Handle transaction, UUID serverId);
}
