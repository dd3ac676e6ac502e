package dev.iod.network;

import java.util.Collection;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Is told when a request to the network API changed something that servers or their nodes are told:
 * ports, and what networks, subnets and security groups add to them.
 */
@FunctionalInterface
public interface ServerWatcher {
    /** Called in the transaction of the change; ports may be gone, and so may servers. */
    void portsChanged(Handle transaction, Collection<UUID> serverIds);
}
