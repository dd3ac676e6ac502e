package dev.iod.network;

import dev.iod.store.Database;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.jdbi.v3.core.statement.Update;

/**
 * The numbers that packets between nodes carry instead of names: of a network or router 65536 to
 * 131071, of a port 1 to 32767. The database's functions {@code free_datapath_key} and {@code
 * free_port_key} choose them, so that they stay the same however often OVN's southbound database is
 * made anew. They have to be within ovn-nb(5)'s ranges: northd stops at a key that is not.
 */
public final class TunnelKeys {
    /** Where the northbound database says the key of a row. */
    public static final String OPTION = "requested-tnl-key";

    private TunnelKeys() {}

    /**
     * Runs a statement that takes a new key.
     *
     * @throws dev.iod.rest.ApiException 409 when none is left
     */
    public static void execute(Update statement) {
        try {
            statement.execute();
        } catch (UnableToExecuteStatementException e) {
            if (Database.violates(e, "datapath_key")) {
                throw Neutron.conflict(
                        "NoTunnelKeyAvailable",
                        "The region has 65536 networks and routers, which is as many as it can have.");
            }
            if (Database.violates(e, "port_key")) {
                throw Neutron.conflict(
                        "NoTunnelKeyAvailable",
                        "The network or router has 32767 ports, which is as many as it can have.");
            }
            throw e;
        }
    }
}
