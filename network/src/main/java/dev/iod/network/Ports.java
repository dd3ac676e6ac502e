package dev.iod.network;

import dev.iod.rest.ApiException;
import dev.iod.rest.Ipv4;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jdbi.v3.core.Handle;

/** What making and changing ports has in common for tenants, servers, routers and metadata. */
final class Ports {
    /** Neutron's {@code max_fixed_ips_per_port}. */
    static final int FIXED_IPS = 5;

    private static final int MAC_ATTEMPTS = 16;

    private final RandomGenerator random;

    Ports(RandomGenerator random) {
        this.random = random;
    }

    /**
     * An address that a port shall have.
     *
     * @param subnetId of this subnet; any subnet of the network if absent
     * @param address this one; the lowest free one if absent
     */
    record WantedIp(Optional<UUID> subnetId, Optional<Ipv4> address) {
        static final WantedIp ANY = new WantedIp(Optional.empty(), Optional.empty());
    }

    /** A port with its defaults, without addresses and groups; it is not stored yet. */
    Port blank(Handle handle, Network network, String projectId) {
        return new Port(
                UUID.randomUUID(),
                projectId,
                network.id(),
                "",
                "",
                true,
                freeMac(handle, network.id()),
                "",
                "",
                "",
                "normal",
                network.portSecurityEnabled(),
                false,
                List.of(),
                List.of(),
                List.of(),
                0,
                new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
    }

    /**
     * Finds the addresses for a port. Whoever else looks for addresses on the network waits until
     * the end of the transaction, or is run again if it is serializable.
     *
     * @param held addresses the port has already, which it may keep
     */
    List<FixedIp> allocate(
            Handle handle, UUID networkId, List<WantedIp> wanted, List<FixedIp> held) {
        if (wanted.size() > FIXED_IPS) {
            throw Neutron.invalid("Exceeded maximum amount of fixed ips per port");
        }
        NetworkStore.lock(handle, networkId);
        List<Subnet> subnets = SubnetStore.ofNetwork(handle, networkId);
        // Those that are asked for by name first: none of them may be chosen for another.
        var found = new TreeMap<Integer, FixedIp>();
        for (int i = 0; i < wanted.size(); i++) {
            if (wanted.get(i).address().isPresent()) {
                FixedIp fixed = named(handle, networkId, subnets, wanted.get(i), held);
                if (found.containsValue(fixed)) {
                    throw Neutron.invalidAttribute(
                            "fixed_ips", "Duplicate IP address '%s'".formatted(fixed.address()));
                }
                found.put(i, fixed);
            }
        }
        for (int i = 0; i < wanted.size(); i++) {
            if (wanted.get(i).address().isEmpty()) {
                List<Subnet> candidates = candidates(handle, networkId, subnets, wanted.get(i));
                found.put(i, any(handle, networkId, candidates, held, found.values()));
            }
        }
        return List.copyOf(found.values());
    }

    /** Any address: one if the network has a subnet, none if it has no subnet. */
    List<FixedIp> allocateAny(Handle handle, UUID networkId) {
        return SubnetStore.ofNetwork(handle, networkId).isEmpty()
                ? List.of()
                : allocate(handle, networkId, List.of(WantedIp.ANY), List.of());
    }

    /**
     * The port by which servers of the network reach metadata, as Neutron's OVN driver makes it.
     */
    void createMetadataPort(Handle handle, Network network) {
        Port port = blank(handle, network, network.projectId());
        PortStore.insert(
                handle,
                port.withDevice("ovnmeta-" + network.id(), DeviceOwner.METADATA)
                        .withPortSecurity(false, List.of(), List.of()));
    }

    /** Gives the metadata port an address on the subnet, or takes it back when DHCP is off. */
    void fitMetadataAddress(Handle handle, Subnet subnet) {
        Optional<Port> port = PortStore.metadataPort(handle, subnet.networkId());
        if (port.isEmpty()) {
            return;
        }
        List<FixedIp> others =
                port.get().fixedIps().stream()
                        .filter(fixed -> !fixed.subnetId().equals(subnet.id()))
                        .toList();
        boolean has = others.size() < port.get().fixedIps().size();
        if (has == subnet.dhcpEnabled()) {
            return;
        }
        var wanted = new ArrayList<>(others);
        if (subnet.dhcpEnabled()) {
            // A subnet without a free address goes without metadata, as in Neutron.
            PortStore.lowestFree(handle, subnet.id(), List.of())
                    .ifPresent(address -> wanted.add(new FixedIp(subnet.id(), address)));
        }
        PortStore.update(handle, port.get().withFixedIps(wanted));
    }

    private String freeMac(Handle handle, UUID networkId) {
        for (int attempt = 0; attempt < MAC_ATTEMPTS; attempt++) {
            String mac = Mac.random(random);
            if (!PortStore.macInUse(handle, networkId, mac)) {
                return mac;
            }
        }
        throw Neutron.conflict(
                "MacAddressGenerationFailure",
                "Unable to generate unique mac on network %s.".formatted(networkId));
    }

    private static FixedIp named(
            Handle handle,
            UUID networkId,
            List<Subnet> subnets,
            WantedIp wanted,
            List<FixedIp> held) {
        Subnet subnet = candidates(handle, networkId, subnets, wanted).getFirst();
        FixedIp fixed = new FixedIp(subnet.id(), wanted.address().orElseThrow());
        if (!held.contains(fixed)
                && PortStore.holder(handle, fixed.subnetId(), fixed.address()).isPresent()) {
            throw Neutron.conflict(
                    "IpAddressAlreadyAllocated",
                    "IP address %s already allocated in subnet %s"
                            .formatted(fixed.address(), fixed.subnetId()));
        }
        return fixed;
    }

    /** One that the port keeps, or the lowest free one; not one of those found already. */
    private static FixedIp any(
            Handle handle,
            UUID networkId,
            List<Subnet> candidates,
            List<FixedIp> held,
            Collection<FixedIp> found) {
        for (Subnet subnet : candidates) {
            Optional<FixedIp> kept =
                    held.stream()
                            .filter(fixed -> fixed.subnetId().equals(subnet.id()))
                            .filter(fixed -> !found.contains(fixed))
                            .findFirst();
            if (kept.isPresent()) {
                return kept.get();
            }
            List<Ipv4> taken =
                    found.stream()
                            .filter(fixed -> fixed.subnetId().equals(subnet.id()))
                            .map(FixedIp::address)
                            .toList();
            Optional<Ipv4> free = PortStore.lowestFree(handle, subnet.id(), taken);
            if (free.isPresent()) {
                return new FixedIp(subnet.id(), free.get());
            }
        }
        throw Neutron.noAddress(networkId);
    }

    private static List<Subnet> candidates(
            Handle handle, UUID networkId, List<Subnet> subnets, WantedIp wanted) {
        if (wanted.subnetId().isPresent()) {
            UUID id = wanted.subnetId().get();
            Subnet subnet =
                    subnets.stream()
                            .filter(one -> one.id().equals(id))
                            .findFirst()
                            .orElseThrow(() -> notOfNetwork(handle, networkId, id));
            if (wanted.address().filter(a -> !subnet.cidr().hosts().contains(a)).isPresent()) {
                throw Neutron.badRequest(
                        "InvalidIpForSubnet",
                        "IP address %s is not a valid IP for the specified subnet."
                                .formatted(wanted.address().get()));
            }
            return List.of(subnet);
        }
        if (wanted.address().isEmpty()) {
            return subnets;
        }
        List<Subnet> holding =
                subnets.stream()
                        .filter(one -> one.cidr().hosts().contains(wanted.address().get()))
                        .toList();
        if (holding.isEmpty()) {
            throw Neutron.badRequest(
                    "InvalidIpForNetwork",
                    "IP address %s is not a valid IP for any of the subnets on the specified network."
                            .formatted(wanted.address().get()));
        }
        return holding;
    }

    /** A subnet of another project is as one that does not exist. */
    private static ApiException notOfNetwork(Handle handle, UUID networkId, UUID subnetId) {
        Optional<String> project = NetworkStore.find(handle, networkId).map(Network::projectId);
        return SubnetStore.find(handle, subnetId)
                .filter(subnet -> project.equals(Optional.of(subnet.projectId())))
                .map(
                        subnet ->
                                Neutron.invalid(
                                        ("Failed to create port on network %s, because fixed_ips"
                                                        + " included invalid subnet %s")
                                                .formatted(networkId, subnet.id())))
                .orElseGet(() -> Neutron.subnetNotFound(subnetId));
    }
}
