package dev.iod.northbound;

import dev.iod.network.HostRoute;
import dev.iod.network.IntentUnit;
import dev.iod.network.Network;
import dev.iod.network.SnapshotIndex;
import dev.iod.network.Subnet;
import dev.iod.rest.Ipv4;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One {@code DHCP_Options} row per subnet with DHCP: OVN answers, no DHCP server runs. */
final class DhcpRows {
    static final String METADATA_ADDRESS = "169.254.169.254";

    /** The options the region sets; an operator may add others with ovn-nbctl, and they stay. */
    private static final Set<String> OPTIONS =
            Set.of(
                    "server_id",
                    "server_mac",
                    "lease_time",
                    "mtu",
                    "router",
                    "dns_server",
                    "classless_static_route");

    private static final int LEASE_SECONDS = 43_200;

    private final SnapshotIndex index;
    private final String owner;

    DhcpRows(SnapshotIndex index, String owner) {
        this.index = index;
        this.owner = owner;
    }

    void add(UnitPlan.Builder plan, Network network) {
        index.subnets(network).stream()
                .filter(Subnet::dhcpEnabled)
                .forEach(subnet -> plan.add(row(plan.unit(), subnet)));
    }

    private NbRow row(IntentUnit unit, Subnet subnet) {
        return new NbRow.Builder(NbTable.DHCP_OPTIONS, subnet.id().toString(), owner, unit)
                .set("cidr", subnet.cidr().toString())
                .set("options", new NbValue.OwnedPairs(options(subnet), OPTIONS))
                .externalId("subnet_id", subnet.id().toString())
                .externalId("neutron:revision_number", Long.toString(subnet.stamp().revision()))
                .build();
    }

    private SortedMap<String, String> options(Subnet subnet) {
        Optional<Ipv4> metadata = index.metadataAddress(subnet);
        Optional<Ipv4> server = subnet.gateway().or(() -> metadata);
        if (server.isEmpty()) {
            // Nothing could be the server's address: the subnet has neither yet.
            return new TreeMap<>();
        }
        var options = new TreeMap<String, String>();
        options.put("server_id", server.get().toString());
        options.put("server_mac", subnet.dhcpMac());
        options.put("lease_time", Integer.toString(LEASE_SECONDS));
        options.put("mtu", Integer.toString(index.network(subnet.networkId()).mtuBytes()));
        subnet.gateway().ifPresent(gateway -> options.put("router", gateway.toString()));
        if (!subnet.dnsServers().isEmpty()) {
            options.put("dns_server", list(subnet.dnsServers()));
        }
        List<String> routes = routes(subnet, metadata);
        if (!routes.isEmpty()) {
            options.put("classless_static_route", list(routes));
        }
        return options;
    }

    private static List<String> routes(Subnet subnet, Optional<Ipv4> metadata) {
        var routes = new ArrayList<String>();
        metadata.ifPresent(via -> routes.add(METADATA_ADDRESS + "/32," + via));
        for (HostRoute route : subnet.hostRoutes()) {
            routes.add(route.destination() + "," + route.nextHop());
        }
        // RFC 3442: a client that gets option 121 ignores the router option, so the default route
        // has to be said here again.
        boolean hasDefault =
                subnet.hostRoutes().stream().anyMatch(route -> route.destination().length() == 0);
        if (!routes.isEmpty() && !hasDefault) {
            subnet.gateway().ifPresent(gateway -> routes.add("0.0.0.0/0," + gateway));
        }
        return routes;
    }

    private static String list(List<?> values) {
        return values.stream().map(Object::toString).collect(Collectors.joining(", ", "{", "}"));
    }
}
