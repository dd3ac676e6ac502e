package dev.iod.network;

import static java.util.stream.Collectors.toMap;

import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Ipv4;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** {@link ServerPorts} on the tables of this package. */
final class SqlServerPorts implements ServerPorts {
    private final Ports ports;

    SqlServerPorts(Ports ports) {
        this.ports = ports;
    }

    @Override
    public List<ServerPort> create(
            Handle transaction,
            Actor actor,
            UUID serverId,
            String availabilityZone,
            Request request,
            List<String> securityGroups) {
        List<UUID> groups = groups(transaction, actor.projectId(), securityGroups);
        int index = 0;
        for (Wish wish : wishes(transaction, actor, request)) {
            Port port =
                    switch (wish) {
                        case Wish.OnNetwork on -> onNetwork(transaction, actor, on, groups);
                        case Wish.Existing existing -> existing(transaction, actor, existing);
                    };
            boolean made = wish instanceof Wish.OnNetwork;
            Port taken =
                    port.withDevice(
                            serverId.toString(), DeviceOwner.SERVER_PREFIX + availabilityZone);
            if (made) {
                Quotas.claim(transaction, taken.projectId(), NetworkQuotas.PORTS, 1)
                        .ifPresent(
                                excess -> {
                                    throw ApiException.forbidden(
                                            "Maximum number of ports exceeded");
                                });
                PortStore.insert(transaction, taken);
            } else {
                PortStore.update(transaction, taken);
            }
            attach(transaction, port.id(), serverId, index, made);
            index++;
        }
        return of(transaction, List.of(serverId)).getOrDefault(serverId, List.of());
    }

    @Override
    public void bind(Handle transaction, UUID serverId, String node) {
        setHost(transaction, serverId, node);
    }

    @Override
    public void unbind(Handle transaction, UUID serverId) {
        setHost(transaction, serverId, "");
    }

    @Override
    public void release(Handle transaction, UUID serverId) {
        List<Port> attached =
                PortStore.ofServers(transaction, List.of(serverId))
                        .getOrDefault(serverId, List.of());
        for (Port port : attached) {
            detach(transaction, serverId, port.id());
        }
    }

    @Override
    public boolean detach(Handle transaction, UUID serverId, UUID portId) {
        Optional<UUID> attachedTo = PortStore.serverOf(transaction, portId);
        if (!attachedTo.equals(Optional.of(serverId))) {
            return false;
        }
        int deleted =
                transaction
                        .createUpdate("DELETE FROM port WHERE id = :id AND made_for_server")
                        .bind("id", portId)
                        .execute();
        if (deleted == 0) {
            Port port =
                    PortStore.find(transaction, portId)
                            .orElseThrow(() -> Neutron.portNotFound(portId));
            PortStore.update(transaction, port.withDevice("", "").withHost(""));
            transaction
                    .createUpdate(
                            "UPDATE port SET server_id = NULL, device_index = 0 WHERE id = :id")
                    .bind("id", portId)
                    .execute();
        }
        return true;
    }

    @Override
    public Map<UUID, List<ServerPort>> of(Handle transaction, Collection<UUID> serverIds) {
        Map<UUID, List<Port>> found = PortStore.ofServers(transaction, serverIds);
        List<Port> all = found.values().stream().flatMap(List::stream).toList();
        Map<UUID, Network> networks =
                NetworkStore.byIds(
                                transaction, all.stream().map(Port::networkId).distinct().toList())
                        .stream()
                        .collect(toMap(Network::id, network -> network));
        Map<UUID, Subnet> subnets =
                SubnetStore.byIds(
                                transaction,
                                all.stream()
                                        .flatMap(port -> port.fixedIps().stream())
                                        .map(FixedIp::subnetId)
                                        .distinct()
                                        .toList())
                        .stream()
                        .collect(toMap(Subnet::id, subnet -> subnet));
        Map<UUID, String> names = groupNames(transaction, all);
        var views = new LinkedHashMap<UUID, List<ServerPort>>();
        found.forEach(
                (server, ports) ->
                        views.put(
                                server,
                                ports.stream()
                                        .map(port -> view(server, port, networks, subnets, names))
                                        .toList()));
        return views;
    }

    private static List<Wish> wishes(Handle transaction, Actor actor, Request request) {
        List<Wish> wishes =
                switch (request) {
                    case Request.None() -> List.<Wish>of();
                    case Request.Listed(List<Wish> listed) -> listed;
                    case Request.Auto() -> only(transaction, actor);
                };
        if (wishes.size() > MAXIMUM_PORTS) {
            throw ApiException.badRequest(
                    "A server can have at most %d ports.".formatted(MAXIMUM_PORTS));
        }
        return wishes;
    }

    private static List<Wish> only(Handle transaction, Actor actor) {
        List<Network> networks = NetworkStore.ofProject(transaction, actor.projectId());
        if (networks.size() > 1) {
            throw ApiException.conflict(
                    "Multiple possible networks found, use a Network ID to be more specific.");
        }
        return networks.stream()
                .<Wish>map(one -> new Wish.OnNetwork(one.id().toString(), Optional.empty()))
                .toList();
    }

    private Port onNetwork(
            Handle transaction, Actor actor, Wish.OnNetwork wish, List<UUID> groups) {
        Network network =
                Ids.parse(wish.networkId())
                        .flatMap(id -> NetworkStore.find(transaction, id))
                        .filter(found -> actor.mayAccess(found.projectId()))
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Network %s could not be found."
                                                        .formatted(wish.networkId())));
        if (network.subnetIds().isEmpty()) {
            throw ApiException.badRequest(
                    "Network %s requires a subnet in order to boot instances on."
                            .formatted(network.id()));
        }
        Port port = ports.blank(transaction, network, actor.projectId());
        List<UUID> applied = port.portSecurityEnabled() ? groups : List.of();
        return port.withFixedIps(addresses(transaction, network, wish))
                .withPortSecurity(port.portSecurityEnabled(), applied, List.of());
    }

    private List<FixedIp> addresses(Handle transaction, Network network, Wish.OnNetwork wish) {
        Optional<Ipv4> address =
                wish.fixedIp()
                        .map(
                                text ->
                                        Ipv4.parse(text)
                                                .orElseThrow(
                                                        () ->
                                                                ApiException.badRequest(
                                                                        "Invalid fixed IP address '%s'."
                                                                                .formatted(text))));
        try {
            return ports.allocate(
                    transaction,
                    network.id(),
                    List.of(new Ports.WantedIp(Optional.empty(), address)),
                    List.of());
        } catch (ApiException e) {
            throw inNovasWords(e, network, wish);
        }
    }

    private static ApiException inNovasWords(
            ApiException error, Network network, Wish.OnNetwork wish) {
        return switch (error.type().orElse("")) {
            case "IpAddressGenerationFailure" ->
                    ApiException.badRequest(
                            "No fixed IP addresses available for network: %s"
                                    .formatted(network.id()));
            case "IpAddressAlreadyAllocated" ->
                    ApiException.badRequest(
                            "Fixed IP address %s is already in use on instance."
                                    .formatted(wish.fixedIp().orElse("")));
            case "InvalidIpForNetwork" ->
                    ApiException.badRequest(
                            "Fixed IP %s is not a valid ip address for network %s."
                                    .formatted(wish.fixedIp().orElse(""), network.id()));
            default -> error;
        };
    }

    private static Port existing(Handle transaction, Actor actor, Wish.Existing wish) {
        Ids.parse(wish.portId()).ifPresent(id -> PortStore.lock(transaction, id));
        Port port =
                Ids.parse(wish.portId())
                        .flatMap(id -> PortStore.find(transaction, id))
                        .filter(found -> actor.mayAccess(found.projectId()))
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Port id %s could not be found."
                                                        .formatted(wish.portId())));
        if (!port.deviceId().isEmpty()) {
            throw ApiException.conflict("Port %s is still in use.".formatted(port.id()));
        }
        if (DeviceOwner.isInfrastructure(port.deviceOwner())) {
            throw ApiException.badRequest("Port %s not usable for instance.".formatted(port.id()));
        }
        if (port.fixedIps().isEmpty()) {
            throw ApiException.badRequest(
                    "Port %s requires a FixedIP in order to be used.".formatted(port.id()));
        }
        return port;
    }

    private static List<UUID> groups(Handle transaction, String projectId, List<String> asked) {
        UUID standard = SecurityGroups.ensureDefault(transaction, projectId);
        if (asked.isEmpty()) {
            return List.of(standard);
        }
        return asked.stream().map(text -> group(transaction, projectId, text)).distinct().toList();
    }

    private static UUID group(Handle transaction, String projectId, String text) {
        Optional<UUID> byId =
                Ids.parse(text)
                        .flatMap(id -> SecurityGroupStore.find(transaction, id))
                        .filter(group -> group.projectId().equals(projectId))
                        .map(SecurityGroup::id);
        if (byId.isPresent()) {
            return byId.get();
        }
        List<UUID> named = SecurityGroupStore.named(transaction, projectId, text);
        if (named.size() > 1) {
            throw ApiException.conflict(
                    ("Multiple security groups found matching '%s'. Use an ID to be more"
                                    + " specific.")
                            .formatted(text));
        }
        if (named.isEmpty()) {
            throw ApiException.badRequest("Security group %s not found.".formatted(text));
        }
        return named.getFirst();
    }

    private static void attach(
            Handle transaction, UUID portId, UUID serverId, int index, boolean made) {
        transaction
                .createUpdate(
                        "UPDATE port SET server_id = :server, device_index = :index,"
                                + " made_for_server = :made WHERE id = :id")
                .bind("id", portId)
                .bind("server", serverId)
                .bind("index", index)
                .bind("made", made)
                .execute();
    }

    private static void setHost(Handle transaction, UUID serverId, String host) {
        transaction
                .createUpdate(
                        "UPDATE port SET host = :host, revision = revision + 1, updated_at = now()"
                                + " WHERE server_id = :server AND host <> :host")
                .bind("server", serverId)
                .bind("host", host)
                .execute();
    }

    private static Map<UUID, String> groupNames(Handle transaction, List<Port> found) {
        List<UUID> ids =
                found.stream()
                        .flatMap(port -> port.securityGroupIds().stream())
                        .distinct()
                        .toList();
        return SecurityGroupStore.names(transaction, ids);
    }

    private static ServerPort view(
            UUID serverId,
            Port port,
            Map<UUID, Network> networks,
            Map<UUID, Subnet> subnets,
            Map<UUID, String> groupNames) {
        Network network =
                Optional.ofNullable(networks.get(port.networkId()))
                        .orElseThrow(() -> Neutron.networkNotFound(port.networkId()));
        return new ServerPort(
                port.id(),
                serverId,
                network.id(),
                network.name(),
                port.mac(),
                network.mtuBytes(),
                port.active(),
                port.fixedIps().stream().map(fixed -> address(fixed, subnets)).toList(),
                port.securityGroupIds().stream()
                        .map(id -> new SecurityGroupName(id, groupNames.getOrDefault(id, "")))
                        .toList());
    }

    private static FixedAddress address(FixedIp fixed, Map<UUID, Subnet> subnets) {
        Subnet subnet =
                Optional.ofNullable(subnets.get(fixed.subnetId()))
                        .orElseThrow(() -> Neutron.subnetNotFound(fixed.subnetId()));
        return new FixedAddress(subnet, fixed.address().toString());
    }
}
