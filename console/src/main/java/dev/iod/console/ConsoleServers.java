package dev.iod.console;

import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** What consoles need to know of servers. */
@FunctionalInterface
public interface ConsoleServers {
    /** The node a server is on, if it is on one. */
    Optional<String> node(Handle handle, UUID server);
}
