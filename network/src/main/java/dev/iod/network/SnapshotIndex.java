package dev.iod.network;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toMap;

import dev.iod.rest.Ipv4;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/**
 * Look-ups in a snapshot. A snapshot is consistent, so what a row of its units refers to exists.
 */
public final class SnapshotIndex {
    private final NetworkSnapshot snapshot;
    private final Map<UUID, Network> networks;
    private final Map<UUID, Subnet> subnets;
    private final Map<UUID, List<Subnet>> subnetsByNetwork;
    private final Map<UUID, List<Port>> portsByNetwork;
    private final Map<String, List<Port>> interfacesByRouter;

    public SnapshotIndex(NetworkSnapshot snapshot) {
        this.snapshot = snapshot;
        networks = snapshot.networks().stream().collect(toMap(Network::id, Function.identity()));
        subnets = snapshot.subnets().stream().collect(toMap(Subnet::id, Function.identity()));
        subnetsByNetwork = snapshot.subnets().stream().collect(groupingBy(Subnet::networkId));
        portsByNetwork = snapshot.ports().stream().collect(groupingBy(Port::networkId));
        interfacesByRouter =
                snapshot.ports().stream()
                        .filter(port -> port.deviceOwner().equals(DeviceOwner.ROUTER_INTERFACE))
                        .collect(groupingBy(Port::deviceId));
    }

    public NetworkSnapshot snapshot() {
        return snapshot;
    }

    public Network network(UUID id) {
        return Optional.ofNullable(networks.get(id)).orElseThrow(() -> missing("network", id));
    }

    public Subnet subnet(UUID id) {
        return Optional.ofNullable(subnets.get(id)).orElseThrow(() -> missing("subnet", id));
    }

    public List<Subnet> subnets(Network network) {
        return subnetsByNetwork.getOrDefault(network.id(), List.of());
    }

    public List<Port> ports(Network network) {
        return portsByNetwork.getOrDefault(network.id(), List.of());
    }

    public List<Port> interfaces(Router router) {
        return interfacesByRouter.getOrDefault(router.id().toString(), List.of());
    }

    /** The address at which servers of the subnet reach metadata, once it has one. */
    public Optional<Ipv4> metadataAddress(Subnet subnet) {
        return portsByNetwork.getOrDefault(subnet.networkId(), List.of()).stream()
                .filter(port -> port.deviceOwner().equals(DeviceOwner.METADATA))
                .flatMap(port -> port.fixedIps().stream())
                .filter(fixed -> fixed.subnetId().equals(subnet.id()))
                .map(FixedIp::address)
                .findFirst();
    }

    private static IllegalStateException missing(String what, UUID id) {
        return new IllegalStateException("the snapshot refers to " + what + " " + id + " it lacks");
    }
}
