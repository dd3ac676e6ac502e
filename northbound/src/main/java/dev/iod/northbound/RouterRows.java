package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import dev.iod.network.Network;
import dev.iod.network.Port;
import dev.iod.network.Router;
import dev.iod.network.SnapshotIndex;
import dev.iod.network.TunnelKeys;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One {@code Logical_Router} per router and one {@code Logical_Router_Port} per interface. */
final class RouterRows {
    private final SnapshotIndex index;
    private final String owner;

    RouterRows(SnapshotIndex index, String owner) {
        this.index = index;
        this.owner = owner;
    }

    void add(UnitPlan.Builder plan, Router router) {
        List<Port> interfaces = index.interfaces(router);
        plan.add(logicalRouter(plan.unit(), router));
        interfaces.forEach(port -> plan.add(routerPort(plan.unit(), router, port, interfaces)));
    }

    static String routerName(Router router) {
        return "neutron-" + router.id();
    }

    private NbRow logicalRouter(IntentUnit unit, Router router) {
        return new NbRow.Builder(NbTable.LOGICAL_ROUTER, routerName(router), owner, unit)
                .set("name", routerName(router))
                .set("enabled", new NbValue.Flag(router.adminStateUp()))
                .set(
                        "options",
                        NbValue.pairs(
                                Map.of(
                                        "always_learn_from_arp_request",
                                        "false",
                                        "dynamic_neigh_routers",
                                        "true",
                                        "mcast_relay",
                                        "false",
                                        TunnelKeys.OPTION,
                                        Integer.toString(router.tunnelKey()))))
                .externalId("neutron:router_name", router.name())
                .externalId("neutron:revision_number", Long.toString(router.stamp().revision()))
                .build();
    }

    private NbRow routerPort(IntentUnit unit, Router router, Port port, List<Port> interfaces) {
        Network network = index.network(port.networkId());
        return new NbRow.Builder(
                        NbTable.LOGICAL_ROUTER_PORT, SwitchRows.routerPortName(port), owner, unit)
                .parent(routerName(router))
                .set("name", SwitchRows.routerPortName(port))
                .set("mac", port.mac())
                .set("networks", NbValue.texts(networks(port)))
                .set("options", NbValue.pairs(options(port, network, interfaces)))
                .externalId("neutron:router_name", router.id().toString())
                .externalId("neutron:network_name", SwitchRows.switchName(network))
                .externalId("neutron:subnet_ids", subnetIds(port))
                .externalId("neutron:revision_number", Long.toString(port.stamp().revision()))
                .build();
    }

    private Set<String> networks(Port port) {
        return port.fixedIps().stream()
                .map(
                        fixed ->
                                fixed.address()
                                        + "/"
                                        + index.subnet(fixed.subnetId()).cidr().length())
                .collect(Collectors.toSet());
    }

    /**
     * OVN checks the size of every packet towards an interface with {@code gateway_mtu}, so it is
     * set only where a packet can be too long: another network of the router has a larger MTU.
     */
    private Map<String, String> options(Port port, Network network, List<Port> interfaces) {
        boolean smallest =
                interfaces.stream()
                        .map(one -> index.network(one.networkId()))
                        .anyMatch(other -> other.mtuBytes() > network.mtuBytes());
        var options = new TreeMap<String, String>();
        options.put(TunnelKeys.OPTION, Integer.toString(port.tunnelKey()));
        if (smallest) {
            options.put("gateway_mtu", Integer.toString(network.mtuBytes()));
        }
        return options;
    }

    private static String subnetIds(Port port) {
        return port.fixedIps().stream()
                .map(fixed -> fixed.subnetId().toString())
                .collect(Collectors.joining(" "));
    }
}
