package dev.iod.control.network;

/** A route that DHCP hands to the servers of a subnet (RFC 3442). */
record HostRoute(Cidr destination, Ipv4 nextHop) {}
