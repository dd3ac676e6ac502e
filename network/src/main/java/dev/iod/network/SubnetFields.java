package dev.iod.network;

import dev.iod.rest.Fields;
import dev.iod.rest.Ipv4;
import java.util.List;
import java.util.Optional;

/** Reading the attributes of a subnet from a request; empty when the request does not say. */
final class SubnetFields {
    static final int DNS_SERVERS = 5;
    static final int HOST_ROUTES = 20;

    private static final int LENGTH = Attributes.NAME_LENGTH;

    private SubnetFields() {}

    /** No gateway when the attribute is null, or empty as some clients write it. */
    static Optional<Ipv4> gateway(Fields fields) {
        return fields.optionalString("gateway_ip", LENGTH)
                .filter(text -> !text.isEmpty())
                .map(text -> Attributes.ipv4("gateway_ip", text));
    }

    static Optional<List<AddressRange>> pools(Fields fields) {
        return fields.optionalObjects("allocation_pools", Attributes.LIST_LENGTH)
                .map(pools -> pools.stream().map(SubnetFields::pool).toList());
    }

    static Optional<List<Ipv4>> dnsServers(Fields fields) {
        Optional<List<Ipv4>> servers =
                fields.optionalStrings("dns_nameservers", Attributes.LIST_LENGTH, LENGTH)
                        .map(
                                texts ->
                                        texts.stream()
                                                .map(
                                                        text ->
                                                                Attributes.ipv4(
                                                                        "dns_nameservers", text))
                                                .toList());
        servers.ifPresent(found -> Attributes.distinct("dns_nameservers", "nameserver", found));
        if (servers.filter(found -> found.size() > DNS_SERVERS).isPresent()) {
            throw Neutron.badRequest(
                    "DNSNameServersExhausted",
                    "The number of DNS nameservers exceeds the limit %d.".formatted(DNS_SERVERS));
        }
        return servers;
    }

    static Optional<List<HostRoute>> hostRoutes(Fields fields) {
        Optional<List<HostRoute>> routes =
                fields.optionalObjects("host_routes", Attributes.LIST_LENGTH)
                        .map(objects -> objects.stream().map(SubnetFields::route).toList());
        routes.map(
                        found ->
                                found.stream()
                                        .map(route -> route.destination() + " " + route.nextHop())
                                        .toList())
                .ifPresent(found -> Attributes.distinct("host_routes", "hostroute", found));
        if (routes.filter(found -> found.size() > HOST_ROUTES).isPresent()) {
            throw Neutron.badRequest(
                    "HostRoutesExhausted",
                    "The number of host routes exceeds the limit %d.".formatted(HOST_ROUTES));
        }
        return routes;
    }

    private static AddressRange pool(Fields fields) {
        Ipv4 first = Attributes.ipv4("allocation_pools", fields.string("start", 0, LENGTH));
        Ipv4 last = Attributes.ipv4("allocation_pools", fields.string("end", 0, LENGTH));
        fields.end();
        if (first.compareTo(last) > 0) {
            throw Neutron.badRequest(
                    "InvalidAllocationPool",
                    "The allocation pool %s-%s is not valid.".formatted(first, last));
        }
        return new AddressRange(first, last);
    }

    private static HostRoute route(Fields fields) {
        Cidr destination = Attributes.cidr("host_routes", fields.string("destination", 0, LENGTH));
        Ipv4 nextHop = Attributes.ipv4("host_routes", fields.string("nexthop", 0, LENGTH));
        fields.end();
        return new HostRoute(destination, nextHop);
    }
}
