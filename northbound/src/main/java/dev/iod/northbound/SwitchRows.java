package dev.iod.northbound;

import dev.iod.network.AddressPair;
import dev.iod.network.DeviceOwner;
import dev.iod.network.IntentUnit;
import dev.iod.network.Network;
import dev.iod.network.Port;
import dev.iod.network.SnapshotIndex;
import dev.iod.network.Subnet;
import dev.iod.network.TunnelKeys;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * One {@code Logical_Switch} per network and one {@code Logical_Switch_Port} per port, and the port
 * groups these are in.
 */
final class SwitchRows {
    private final SnapshotIndex index;
    private final String owner;

    SwitchRows(SnapshotIndex index, String owner) {
        this.index = index;
        this.owner = owner;
    }

    void add(UnitPlan.Builder plan, Network network) {
        plan.add(logicalSwitch(plan.unit(), network));
        for (Port port : index.ports(network)) {
            plan.add(logicalPort(plan.unit(), network, port));
            plan.join(port.id().toString(), SecurityGroupRows.groupsOf(port));
            plan.active(port.id(), port.active());
        }
    }

    static String switchName(Network network) {
        return "neutron-" + network.id();
    }

    /** The port whose switch port has this key. */
    static Optional<UUID> portId(String key) {
        try {
            return Optional.of(UUID.fromString(key));
        } catch (IllegalArgumentException e) {
            // Somebody wrote another key.
            return Optional.empty();
        }
    }

    static String routerPortName(Port port) {
        return "lrp-" + port.id();
    }

    private NbRow logicalSwitch(IntentUnit unit, Network network) {
        String name = switchName(network);
        return new NbRow.Builder(NbTable.LOGICAL_SWITCH, name, owner, unit)
                .set("name", name)
                .set(
                        "other_config",
                        NbValue.pairs(
                                Map.of(
                                        "mcast_snoop",
                                        "false",
                                        "mcast_flood_unregistered",
                                        "false",
                                        "vlan-passthru",
                                        "false",
                                        TunnelKeys.OPTION,
                                        Integer.toString(network.segmentationId()))))
                .externalId("neutron:network_id", network.id().toString())
                .externalId("neutron:network_name", network.name())
                .externalId("neutron:mtu", Integer.toString(network.mtuBytes()))
                .externalId("neutron:revision_number", Long.toString(network.stamp().revision()))
                .build();
    }

    private NbRow logicalPort(IntentUnit unit, Network network, Port port) {
        // OVN cannot switch a whole network off, so it is done port by port.
        boolean enabled = port.adminStateUp() && network.adminStateUp();
        var row =
                new NbRow.Builder(NbTable.LOGICAL_SWITCH_PORT, port.id().toString(), owner, unit)
                        .parent(switchName(network))
                        .set("name", port.id().toString())
                        .set("enabled", new NbValue.Flag(enabled));
        externalIds(row, port);
        switch (port.deviceOwner()) {
            case DeviceOwner.ROUTER_INTERFACE -> routerSide(row, port);
            case DeviceOwner.METADATA -> localSide(row, port);
            default -> serverSide(row, port);
        }
        return row.build();
    }

    private static void routerSide(NbRow.Builder row, Port port) {
        kind(row, "router", Set.of("router"), Map.of("router-port", routerPortName(port)), port);
        unfiltered(row);
    }

    private static void localSide(NbRow.Builder row, Port port) {
        kind(row, "localport", Set.of(ownAddress(port)), Map.of(), port);
        unfiltered(row);
    }

    private void serverSide(NbRow.Builder row, Port port) {
        var addresses = new TreeSet<String>();
        addresses.add(ownAddress(port));
        if (port.portSecurityEnabled()) {
            port.allowedAddressPairs().stream()
                    .map(AddressPair::mac)
                    .filter(mac -> !mac.equals(port.mac()))
                    .forEach(addresses::add);
        } else {
            addresses.add("unknown");
        }
        Map<String, String> options =
                port.host().isEmpty() ? Map.of() : Map.of("requested-chassis", port.host());
        kind(row, "", addresses, options, port);
        row.set("port_security", NbValue.texts(portSecurity(port)));
        row.set("dhcpv4_options", NbValue.references(NbTable.DHCP_OPTIONS, dhcpOptions(port)));
    }

    private static void kind(
            NbRow.Builder row,
            String type,
            Set<String> addresses,
            Map<String, String> options,
            Port port) {
        var all = new TreeMap<>(options);
        all.put(TunnelKeys.OPTION, Integer.toString(port.tunnelKey()));
        row.set("type", type)
                .set("addresses", NbValue.texts(addresses))
                .set("options", NbValue.pairs(all));
    }

    private static void unfiltered(NbRow.Builder row) {
        row.set("port_security", NbValue.texts(Set.of()));
        row.set("dhcpv4_options", NbValue.references(NbTable.DHCP_OPTIONS, Set.of()));
    }

    private static String ownAddress(Port port) {
        return port.fixedIps().stream()
                .map(fixed -> " " + fixed.address())
                .collect(Collectors.joining("", port.mac(), ""));
    }

    /** One entry per MAC address: northd reads a second entry of the same MAC as another host. */
    private static Set<String> portSecurity(Port port) {
        if (!port.portSecurityEnabled() || DeviceOwner.isInfrastructure(port.deviceOwner())) {
            return Set.of();
        }
        var byMac = new TreeMap<String, StringBuilder>();
        byMac.put(port.mac(), new StringBuilder(ownAddress(port)));
        for (AddressPair pair : port.allowedAddressPairs()) {
            byMac.computeIfAbsent(pair.mac(), mac -> new StringBuilder(mac))
                    .append(' ')
                    .append(pair.address());
        }
        return byMac.values().stream().map(StringBuilder::toString).collect(Collectors.toSet());
    }

    private Set<String> dhcpOptions(Port port) {
        if (DeviceOwner.isInfrastructure(port.deviceOwner())) {
            return Set.of();
        }
        Optional<Subnet> subnet =
                port.fixedIps().stream()
                        .map(fixed -> index.subnet(fixed.subnetId()))
                        .filter(Subnet::dhcpEnabled)
                        .findFirst();
        return subnet.map(found -> Set.of(found.id().toString())).orElse(Set.of());
    }

    private void externalIds(NbRow.Builder row, Port port) {
        row.externalId("neutron:network_name", switchName(index.network(port.networkId())))
                .externalId("neutron:port_name", port.name())
                .externalId("neutron:project_id", port.projectId())
                .externalId("neutron:device_id", port.deviceId())
                .externalId("neutron:device_owner", port.deviceOwner())
                .externalId("neutron:host_id", port.host())
                .externalId("neutron:cidrs", cidrs(port))
                .externalId("neutron:security_group_ids", groups(port))
                .externalId("neutron:revision_number", Long.toString(port.stamp().revision()));
    }

    private String cidrs(Port port) {
        return port.fixedIps().stream()
                .map(
                        fixed ->
                                fixed.address()
                                        + "/"
                                        + index.subnet(fixed.subnetId()).cidr().length())
                .collect(Collectors.joining(" "));
    }

    private static String groups(Port port) {
        return port.securityGroupIds().stream()
                .map(Object::toString)
                .sorted()
                .collect(Collectors.joining(" "));
    }
}
