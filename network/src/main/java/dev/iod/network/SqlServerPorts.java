package dev.iod.network;

import static java.util.stream.Collectors.toMap;

import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Ipv4;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** {@link ServerPorts} on the tables of this package. */
final class SqlServerPorts implements ServerPorts {
    /** Nova says 400 of it when a server is made, 409 when an interface is. */
    private static final String ADDRESS_IN_USE = "FixedIpAlreadyInUse";

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
                        case Wish.OnNetwork on ->
                                onNetwork(transaction, actor, actor.projectId(), on, groups);
                        case Wish.Existing existing -> existing(transaction, actor, existing);
                    };
            take(transaction, port, serverId, availabilityZone, index, wish);
            index++;
        }
        return of(transaction, List.of(serverId)).getOrDefault(serverId, List.of());
    }

    private static void take(
            Handle transaction,
            Port port,
            UUID serverId,
            String availabilityZone,
            int index,
            Wish wish) {
        boolean made = wish instanceof Wish.OnNetwork;
        Port taken =
                port.withDevice(serverId.toString(), DeviceOwner.SERVER_PREFIX + availabilityZone);
        if (made) {
            Quotas.claim(transaction, taken.projectId(), NetworkQuotas.PORTS, 1)
                    .ifPresent(
                            excess -> {
                                throw ApiException.forbidden("Maximum number of ports exceeded");
                            });
            PortStore.insert(transaction, taken);
        } else {
            PortStore.update(transaction, taken);
        }
        attach(transaction, port.id(), serverId, index, made);
    }

    @Override
    public ServerPort attach(
            Handle transaction,
            Actor actor,
            UUID serverId,
            String projectId,
            String availabilityZone,
            Optional<Wish> wish) {
        if (ofServer(transaction, serverId).size() >= MAXIMUM_PORTS) {
            throw ApiException.badRequest(
                    "A server can have at most %d ports.".formatted(MAXIMUM_PORTS));
        }
        Wish one = wish.orElseGet(() -> onlyOne(transaction, projectId));
        List<UUID> groups = groups(transaction, projectId, List.of());
        Port port;
        try {
            port =
                    switch (one) {
                        case Wish.OnNetwork on -> {
                            requireNetwork(transaction, actor, on.networkId());
                            yield onNetwork(transaction, actor, projectId, on, groups);
                        }
                        case Wish.Existing existing -> {
                            requirePort(transaction, actor, existing.portId());
                            yield existing(transaction, actor, existing);
                        }
                    };
        } catch (ApiException e) {
            throw e.type().orElse("").equals(ADDRESS_IN_USE)
                    ? ApiException.conflict(e.detail())
                    : e;
        }
        take(transaction, port, serverId, availabilityZone, nextIndex(transaction, serverId), one);
        return of(transaction, List.of(serverId)).getOrDefault(serverId, List.of()).stream()
                .filter(found -> found.id().equals(port.id()))
                .findFirst()
                .orElseThrow();
    }

    private static void requireNetwork(Handle transaction, Actor actor, String id) {
        boolean seen =
                Ids.parse(id)
                        .flatMap(uuid -> NetworkStore.find(transaction, uuid))
                        .filter(found -> actor.mayAccess(found.projectId()))
                        .isPresent();
        if (!seen) {
            throw ApiException.notFound("Network %s could not be found.".formatted(id));
        }
    }

    private static void requirePort(Handle transaction, Actor actor, String id) {
        boolean seen =
                Ids.parse(id)
                        .flatMap(uuid -> PortStore.find(transaction, uuid))
                        .filter(found -> actor.mayAccess(found.projectId()))
                        .isPresent();
        if (!seen) {
            throw ApiException.notFound("Port id %s could not be found.".formatted(id));
        }
    }

    private static Wish onlyOne(Handle transaction, String projectId) {
        List<Network> networks = NetworkStore.ofProject(transaction, projectId);
        if (networks.size() > 1) {
            throw ApiException.badRequest(
                    "More than one possible network found. Specify network ID(s) to select which"
                            + " one(s) to connect to.");
        }
        if (networks.isEmpty()) {
            throw ApiException.badRequest(
                    "No specific network was requested and none are available for project '%s'."
                            .formatted(projectId));
        }
        return new Wish.OnNetwork(networks.getFirst().id().toString(), Optional.empty());
    }

    private static int nextIndex(Handle transaction, UUID serverId) {
        return transaction
                .createQuery(
                        "SELECT coalesce(max(device_index) + 1, 0) FROM port WHERE server_id = :id")
                .bind("id", serverId)
                .mapTo(Integer.class)
                .one();
    }

    private static List<Port> ofServer(Handle transaction, UUID serverId) {
        return PortStore.ofServers(transaction, List.of(serverId))
                .getOrDefault(serverId, List.of());
    }

    @Override
    public void addAddress(Handle transaction, UUID serverId, String networkId) {
        Port port =
                ofServer(transaction, serverId).stream()
                        .filter(one -> one.networkId().toString().equals(networkId))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Network could not be found for instance %s."
                                                        .formatted(serverId)));
        List<Ports.WantedIp> wanted = new ArrayList<>();
        port.fixedIps().forEach(fixed -> wanted.add(named(fixed)));
        wanted.add(Ports.WantedIp.ANY);
        if (wanted.size() > Ports.FIXED_IPS) {
            throw noAddress(port.networkId());
        }
        try {
            List<FixedIp> all =
                    ports.allocate(transaction, port.networkId(), wanted, port.fixedIps());
            PortStore.update(transaction, port.withFixedIps(all));
        } catch (ApiException e) {
            throw e.type().orElse("").equals("IpAddressGenerationFailure")
                    ? noAddress(port.networkId())
                    : e;
        }
    }

    private static Ports.WantedIp named(FixedIp fixed) {
        return new Ports.WantedIp(Optional.of(fixed.subnetId()), Optional.of(fixed.address()));
    }

    private static ApiException noAddress(UUID networkId) {
        return ApiException.badRequest(
                "No fixed IP addresses available for network: %s".formatted(networkId));
    }

    @Override
    public boolean removeAddress(Handle transaction, UUID serverId, String address) {
        for (Port port : ofServer(transaction, serverId)) {
            List<FixedIp> left =
                    port.fixedIps().stream()
                            .filter(fixed -> !fixed.address().toString().equals(address))
                            .toList();
            if (left.size() < port.fixedIps().size()) {
                PortStore.update(transaction, port.withFixedIps(left));
                return true;
            }
        }
        return false;
    }

    @Override
    public void addSecurityGroup(
            Handle transaction, UUID serverId, String projectId, String group) {
        UUID id = requireGroup(transaction, projectId, group);
        for (Port port : requirePorts(transaction, serverId)) {
            if (!port.portSecurityEnabled() || port.fixedIps().isEmpty()) {
                throw ApiException.badRequest(
                        "Network requires port_security_enabled and subnet associated in order to"
                                + " apply security groups.");
            }
            if (!port.securityGroupIds().contains(id)) {
                List<UUID> groups = new ArrayList<>(port.securityGroupIds());
                groups.add(id);
                setGroups(transaction, port, groups);
            }
        }
    }

    @Override
    public void removeSecurityGroup(
            Handle transaction, UUID serverId, String projectId, String group) {
        UUID id = requireGroup(transaction, projectId, group);
        List<Port> within =
                requirePorts(transaction, serverId).stream()
                        .filter(port -> port.securityGroupIds().contains(id))
                        .toList();
        if (within.isEmpty()) {
            throw ApiException.notFound(
                    "Security group %s not associated with the instance %s"
                            .formatted(group, serverId));
        }
        for (Port port : within) {
            setGroups(
                    transaction,
                    port,
                    port.securityGroupIds().stream().filter(one -> !one.equals(id)).toList());
        }
    }

    private static void setGroups(Handle transaction, Port port, List<UUID> groups) {
        PortStore.update(
                transaction,
                port.withPortSecurity(
                        port.portSecurityEnabled(), groups, port.allowedAddressPairs()));
    }

    private static List<Port> requirePorts(Handle transaction, UUID serverId) {
        List<Port> found = ofServer(transaction, serverId);
        if (found.isEmpty()) {
            throw ApiException.notFound(
                    "instance_id %s could not be found as device id on any ports"
                            .formatted(serverId));
        }
        return found;
    }

    @Override
    public List<SecurityGroup> securityGroups(Handle transaction, UUID serverId) {
        List<UUID> ids =
                ofServer(transaction, serverId).stream()
                        .flatMap(port -> port.securityGroupIds().stream())
                        .distinct()
                        .toList();
        return SecurityGroupStore.byIds(transaction, ids).stream()
                .sorted(Comparator.comparing(SecurityGroup::name).thenComparing(SecurityGroup::id))
                .toList();
    }

    @Override
    public List<SecurityGroup> groups(Handle transaction, Collection<UUID> ids) {
        return SecurityGroupStore.byIds(transaction, ids);
    }

    @Override
    public List<SecurityGroup> groups(Handle transaction, String projectId) {
        return SecurityGroupStore.ofProject(transaction, projectId);
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
            Handle transaction,
            Actor actor,
            String projectId,
            Wish.OnNetwork wish,
            List<UUID> groups) {
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
        Port port = ports.blank(transaction, network, projectId);
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
                    new ApiException(
                            Fault.BAD_REQUEST,
                            ADDRESS_IN_USE,
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
        return findGroup(transaction, projectId, text)
                .orElseThrow(
                        () ->
                                ApiException.badRequest(
                                        "Security group %s not found.".formatted(text)));
    }

    private static UUID requireGroup(Handle transaction, String projectId, String text) {
        return findGroup(transaction, projectId, text)
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        "Security group %s is not found for project %s"
                                                .formatted(text, projectId)));
    }

    private static Optional<UUID> findGroup(Handle transaction, String projectId, String text) {
        Optional<UUID> byId =
                Ids.parse(text)
                        .flatMap(id -> SecurityGroupStore.find(transaction, id))
                        .filter(group -> group.projectId().equals(projectId))
                        .map(SecurityGroup::id);
        if (byId.isPresent()) {
            return byId;
        }
        List<UUID> named = SecurityGroupStore.named(transaction, projectId, text);
        if (named.size() > 1) {
            throw ApiException.conflict(
                    ("Multiple security groups found matching '%s'. Use an ID to be more"
                                    + " specific.")
                            .formatted(text));
        }
        return named.stream().findFirst();
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
