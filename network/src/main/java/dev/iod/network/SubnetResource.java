package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Ipv4;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/subnets}: IPv4 only. */
final class SubnetResource implements Resource {
    private final Ports ports;
    private final RandomGenerator random;
    private final ServerWatcher servers;

    SubnetResource(Ports ports, RandomGenerator random, ServerWatcher servers) {
        this.ports = ports;
        this.random = random;
        this.servers = servers;
    }

    @Override
    public String singular() {
        return "subnet";
    }

    @Override
    public String plural() {
        return "subnets";
    }

    @Override
    public String path() {
        return "subnets";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.subnetNotFound(id);
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        Network network = NetworkStore.require(handle, actor, Attributes.id(fields, "network_id"));
        Attributes.project(fields, actor);
        onlyIpv4(fields);
        notOffered(fields);
        Attributes.require(fields, "cidr");
        Cidr cidr = Attributes.cidr("cidr", fields.string("cidr", 1, Attributes.NAME_LENGTH));
        Optional<Ipv4> gateway =
                fields.has("gateway_ip")
                        ? SubnetFields.gateway(fields)
                        : Optional.of(cidr.hosts().first());
        var subnet =
                new Subnet(
                        UUID.randomUUID(),
                        network.projectId(),
                        network.id(),
                        Attributes.name(fields),
                        Attributes.description(fields),
                        cidr,
                        gateway,
                        SubnetFields.pools(fields)
                                .orElseGet(() -> SubnetRules.defaultPools(cidr, gateway)),
                        SubnetFields.dnsServers(fields).orElse(List.of()),
                        SubnetFields.hostRoutes(fields).orElse(List.of()),
                        fields.optionalBoolean("enable_dhcp").orElse(true),
                        Mac.random(random),
                        new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
        fields.end();
        SubnetRules.check(subnet);
        SubnetRules.checkOverlaps(subnet, SubnetStore.ofNetwork(handle, network.id()));
        NetworkQuotas.claim(handle, subnet.projectId(), NetworkQuotas.SUBNETS);
        SubnetStore.insert(handle, subnet);
        ports.fitMetadataAddress(handle, subnet);
        return show(handle, actor, subnet.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return view(SubnetStore.require(handle, actor, id));
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        return SubnetStore.list(handle, actor, query, page).map(SubnetResource::view);
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        Subnet old = SubnetStore.require(handle, actor, id);
        Attributes.readOnly(
                fields,
                List.of("id", "tenant_id", "project_id", "network_id", "cidr", "ip_version"));
        notOffered(fields);
        Optional<Ipv4> gateway =
                fields.has("gateway_ip") ? SubnetFields.gateway(fields) : old.gateway();
        var changed =
                new Subnet(
                        id,
                        old.projectId(),
                        old.networkId(),
                        fields.optionalString("name", Attributes.NAME_LENGTH).orElse(old.name()),
                        fields.optionalString("description", Attributes.NAME_LENGTH)
                                .orElse(old.description()),
                        old.cidr(),
                        gateway,
                        SubnetFields.pools(fields).orElse(old.pools()),
                        SubnetFields.dnsServers(fields).orElse(old.dnsServers()),
                        SubnetFields.hostRoutes(fields).orElse(old.hostRoutes()),
                        fields.optionalBoolean("enable_dhcp").orElse(old.dhcpEnabled()),
                        old.dhcpMac(),
                        old.stamp());
        fields.end();
        SubnetRules.check(changed);
        if (!gateway.equals(old.gateway())) {
            old.gateway().ifPresent(address -> refuseIfRouted(handle, id, address));
        }
        SubnetStore.update(handle, changed);
        ports.fitMetadataAddress(handle, changed);
        boolean told =
                changed.gateway().equals(old.gateway())
                        && changed.dnsServers().equals(old.dnsServers())
                        && changed.hostRoutes().equals(old.hostRoutes())
                        && changed.dhcpEnabled() == old.dhcpEnabled();
        if (!told) {
            servers.portsChanged(handle, PortStore.serversOnSubnet(handle, id));
        }
        return show(handle, actor, id);
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        Subnet subnet = SubnetStore.require(handle, actor, id);
        PortStore.dropMetadataAddress(handle, subnet);
        if (PortStore.anyOnSubnet(handle, id)) {
            throw Neutron.conflict(
                    "SubnetInUse",
                    ("Unable to complete operation on subnet %s: One or more ports have an IP"
                                    + " allocation from this subnet.")
                            .formatted(id));
        }
        SubnetStore.delete(handle, id);
    }

    private static void refuseIfRouted(Handle handle, UUID subnetId, Ipv4 address) {
        PortStore.holder(handle, subnetId, address)
                .filter(port -> port.deviceOwner().equals(DeviceOwner.ROUTER_INTERFACE))
                .ifPresent(
                        port -> {
                            throw Neutron.conflict(
                                    "GatewayIpInUse",
                                    ("Current gateway ip %s already in use by port %s. Unable to"
                                                    + " update.")
                                            .formatted(address, port.id()));
                        });
    }

    private static void onlyIpv4(Fields fields) {
        Attributes.require(fields, "ip_version");
        if (fields.integer("ip_version", 0, 255) != 4) {
            throw Neutron.invalid("this region offers only ip_version 4");
        }
        Attributes.onlyNull(
                fields, "ipv6_ra_mode", "ipv6_address_mode", "subnetpool_id", "prefixlen");
        Attributes.onlyDefault(fields, "use_default_subnet_pool", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "use_default_subnetpool", BooleanNode.FALSE);
    }

    private static void notOffered(Fields fields) {
        Attributes.onlyDefault(fields, "dns_publish_fixed_ip", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "shared", BooleanNode.FALSE);
        Attributes.onlyEmpty(fields, "service_types");
        Attributes.onlyNull(fields, "segment_id");
    }

    private static ObjectNode view(Subnet subnet) {
        ObjectNode view = Json.object();
        view.put("id", subnet.id().toString())
                .put("name", subnet.name())
                .put("tenant_id", subnet.projectId())
                .put("project_id", subnet.projectId())
                .put("network_id", subnet.networkId().toString())
                .put("ip_version", 4)
                .putNull("subnetpool_id")
                .put("enable_dhcp", subnet.dhcpEnabled())
                .putNull("ipv6_ra_mode")
                .putNull("ipv6_address_mode")
                .put("cidr", subnet.cidr().toString())
                .put("description", subnet.description());
        Json.put(view, "gateway_ip", subnet.gateway().map(Ipv4::toString));
        ArrayNode pools = view.putArray("allocation_pools");
        for (AddressRange range : subnet.pools()) {
            pools.addObject()
                    .put("start", range.first().toString())
                    .put("end", range.last().toString());
        }
        ArrayNode routes = view.putArray("host_routes");
        for (HostRoute route : subnet.hostRoutes()) {
            routes.addObject()
                    .put("destination", route.destination().toString())
                    .put("nexthop", route.nextHop().toString());
        }
        view.set(
                "dns_nameservers",
                Json.strings(subnet.dnsServers().stream().map(Ipv4::toString).toList()));
        view.putArray("service_types");
        return Views.stamp(view, subnet.stamp());
    }
}
