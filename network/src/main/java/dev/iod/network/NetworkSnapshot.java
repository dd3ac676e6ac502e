package dev.iod.network;

import java.util.List;

/** Every intent row of the region's networks, read in one transaction. */
public record NetworkSnapshot(
        List<Network> networks,
        List<Subnet> subnets,
        List<Port> ports,
        List<Router> routers,
        List<SecurityGroup> securityGroups) {}
