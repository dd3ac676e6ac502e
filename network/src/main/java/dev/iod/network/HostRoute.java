package dev.iod.network;

import dev.iod.rest.Ipv4;

/** A route that DHCP hands to the servers of a subnet (RFC 3442). */
public record HostRoute(Cidr destination, Ipv4 nextHop) {}
