package dev.iod.network;

import java.util.List;

/**
 * Intent rows of the region's networks, read in one transaction: all, or those that a few {@link
 * IntentUnit}s are made of together with what these refer to.
 */
public record NetworkSnapshot(
        List<Network> networks,
        List<Subnet> subnets,
        List<Port> ports,
        List<Router> routers,
        List<SecurityGroup> securityGroups) {

    /** How many rows were read, rules of groups included. */
    public long rows() {
        return networks.size()
                + subnets.size()
                + ports.size()
                + routers.size()
                + securityGroups.stream().mapToLong(group -> 1 + group.rules().size()).sum();
    }
}
