package dev.iod.network;

import dev.iod.rest.Ipv4;
import java.util.List;
import java.util.Optional;

/** What must hold for a subnet, in Neutron's errors. */
final class SubnetRules {
    private static final Cidr MULTICAST = Cidr.of("224.0.0.0/4");
    private static final Cidr LOOPBACK = Cidr.of("127.0.0.0/8");

    private SubnetRules() {}

    /** All host addresses but the gateway's. */
    static List<AddressRange> defaultPools(Cidr cidr, Optional<Ipv4> gateway) {
        AddressRange hosts = cidr.hosts();
        return gateway.map(hosts::without).orElseGet(() -> List.of(hosts));
    }

    static void check(Subnet subnet) {
        Cidr cidr = subnet.cidr();
        if (cidr.length() == 0) {
            throw Neutron.invalid("0 is not allowed as CIDR prefix length");
        }
        if (cidr.overlaps(MULTICAST) || cidr.overlaps(LOOPBACK)) {
            throw Neutron.invalid("'%s' is a multicast or loopback prefix".formatted(cidr));
        }
        if (subnet.dhcpEnabled() && cidr.length() > 30) {
            throw Neutron.invalid(
                    ("Subnet has a prefix length that is incompatible with DHCP service enabled:"
                                    + " %s")
                            .formatted(cidr));
        }
        subnet.gateway().ifPresent(gateway -> checkGateway(subnet, gateway));
        for (AddressRange pool : subnet.pools()) {
            checkPool(subnet, pool);
        }
    }

    /** One network's subnets share a broadcast domain, so they must not overlap. */
    static void checkOverlaps(Subnet subnet, List<Subnet> others) {
        for (Subnet other : others) {
            if (other.cidr().overlaps(subnet.cidr())) {
                throw Neutron.invalid(
                        "Requested subnet with cidr: %s for network: %s overlaps with another subnet"
                                .formatted(subnet.cidr(), subnet.networkId()));
            }
        }
    }

    private static void checkGateway(Subnet subnet, Ipv4 gateway) {
        if (!subnet.cidr().hosts().contains(gateway)) {
            throw Neutron.invalid("Gateway is not valid on subnet");
        }
        for (AddressRange pool : subnet.pools()) {
            if (pool.contains(gateway)) {
                throw Neutron.conflict(
                        "GatewayConflictWithAllocationPools",
                        "Gateway ip %s conflicts with allocation pool %s-%s."
                                .formatted(gateway, pool.first(), pool.last()));
            }
        }
    }

    private static void checkPool(Subnet subnet, AddressRange pool) {
        AddressRange hosts = subnet.cidr().hosts();
        if (!hosts.contains(pool.first()) || !hosts.contains(pool.last())) {
            throw Neutron.badRequest(
                    "OutOfBoundsAllocationPool",
                    "The allocation pool %s-%s spans beyond the subnet cidr %s."
                            .formatted(pool.first(), pool.last(), subnet.cidr()));
        }
        long overlapping = subnet.pools().stream().filter(pool::overlaps).count();
        if (overlapping > 1) {
            throw Neutron.conflict(
                    "OverlappingAllocationPools",
                    "Found overlapping allocation pools: %s-%s for subnet %s."
                            .formatted(pool.first(), pool.last(), subnet.cidr()));
        }
    }
}
