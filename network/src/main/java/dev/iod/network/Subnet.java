package dev.iod.network;

import dev.iod.rest.Ipv4;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * An IPv4 subnet.
 *
 * @param dhcpMac source address of OVN's DHCP replies
 */
public record Subnet(
        UUID id,
        String projectId,
        UUID networkId,
        String name,
        String description,
        Cidr cidr,
        Optional<Ipv4> gateway,
        List<AddressRange> pools,
        List<Ipv4> dnsServers,
        List<HostRoute> hostRoutes,
        boolean dhcpEnabled,
        String dhcpMac,
        Stamp stamp) {}
