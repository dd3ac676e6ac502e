package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/networks}. */
final class NetworkResource implements Resource {
    static final String NETWORK_TYPE = "geneve";

    /** What every IPv4 host takes (RFC 791 §3.1). */
    private static final int MINIMUM_MTU_BYTES = 68;

    private static final List<String> PROVIDER =
            List.of(
                    "provider:network_type",
                    "provider:physical_network",
                    "provider:segmentation_id");

    private final int maximumMtuBytes;
    private final Ports ports;
    private final ServerWatcher servers;

    /**
     * @param maximumMtuBytes the underlay's MTU less the tunnel's headers; the default of a network
     */
    NetworkResource(int maximumMtuBytes, Ports ports, ServerWatcher servers) {
        this.maximumMtuBytes = maximumMtuBytes;
        this.ports = ports;
        this.servers = servers;
    }

    @Override
    public String singular() {
        return "network";
    }

    @Override
    public String plural() {
        return "networks";
    }

    @Override
    public String path() {
        return "networks";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.networkNotFound(id);
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        var network =
                new Network(
                        UUID.randomUUID(),
                        Attributes.project(fields, actor),
                        Attributes.name(fields),
                        Attributes.description(fields),
                        fields.optionalBoolean("admin_state_up").orElse(true),
                        mtu(fields, maximumMtuBytes),
                        fields.optionalBoolean("port_security_enabled").orElse(true),
                        0,
                        List.of(),
                        new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
        notOffered(fields, actor);
        if (fields.optionalArray("availability_zone_hints", Attributes.LIST_LENGTH)
                .filter(hints -> !hints.isEmpty())
                .isPresent()) {
            throw Neutron.notFound(
                    "AvailabilityZoneNotFound", "AvailabilityZone could not be found.");
        }
        fields.end();
        SecurityGroups.ensureDefault(handle, network.projectId());
        NetworkQuotas.claim(handle, network.projectId(), NetworkQuotas.NETWORKS);
        NetworkStore.insert(handle, network);
        ports.createMetadataPort(handle, network);
        return show(handle, actor, network.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return view(NetworkStore.require(handle, actor, id), actor);
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        return NetworkStore.list(handle, actor, query, page).map(network -> view(network, actor));
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        Network old = NetworkStore.require(handle, actor, id);
        Attributes.readOnly(fields, List.of("id", "tenant_id", "project_id", "status", "subnets"));
        notOffered(fields, actor);
        var changed =
                new Network(
                        id,
                        old.projectId(),
                        fields.optionalString("name", Attributes.NAME_LENGTH).orElse(old.name()),
                        fields.optionalString("description", Attributes.NAME_LENGTH)
                                .orElse(old.description()),
                        fields.optionalBoolean("admin_state_up").orElse(old.adminStateUp()),
                        mtu(fields, old.mtuBytes()),
                        fields.optionalBoolean("port_security_enabled")
                                .orElse(old.portSecurityEnabled()),
                        old.segmentationId(),
                        old.subnetIds(),
                        old.stamp());
        fields.end();
        NetworkStore.update(handle, changed);
        if (changed.mtuBytes() != old.mtuBytes()) {
            servers.portsChanged(handle, PortStore.serversOnNetwork(handle, id));
        }
        return show(handle, actor, id);
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        NetworkStore.require(handle, actor, id);
        PortStore.deleteMetadata(handle, id);
        if (PortStore.anyOnNetwork(handle, id)) {
            throw Neutron.conflict(
                    "NetworkInUse",
                    ("Unable to complete operation on network %s. There are one or more ports still"
                                    + " in use on the network.")
                            .formatted(id));
        }
        NetworkStore.delete(handle, id);
    }

    private int mtu(Fields fields, int otherwise) {
        long mtu = fields.optionalInteger("mtu", 0, 65_535).orElse((long) otherwise);
        if (mtu == 0) {
            // Neutron: 0 asks for the default.
            return maximumMtuBytes;
        }
        if (mtu < MINIMUM_MTU_BYTES || mtu > maximumMtuBytes) {
            throw Neutron.invalid(
                    "Requested MTU is out of range, it must be from %d to %d, maximum is %d"
                            .formatted(MINIMUM_MTU_BYTES, maximumMtuBytes, maximumMtuBytes));
        }
        return (int) mtu;
    }

    private static void notOffered(Fields fields, Actor actor) {
        Attributes.onlyDefault(fields, "shared", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "router:external", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "is_default", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "vlan_transparent", BooleanNode.FALSE);
        Attributes.onlyNull(fields, "dns_domain", "qos_policy_id");
        Attributes.onlyEmpty(fields, "segments");
        for (String name : PROVIDER) {
            if (fields.optionalNode(name).isPresent() && !isSoAnyway(fields, name)) {
                throw actor.isAdmin()
                        ? Neutron.invalid(
                                "'%s' is chosen by the region and cannot be requested"
                                        .formatted(name))
                        : Neutron.forbidden("create_network:" + name);
            }
        }
    }

    /** The only type there is may be named; the rest of a provider network is the region's. */
    private static boolean isSoAnyway(Fields fields, String name) {
        return name.equals("provider:network_type")
                && fields.optionalNode(name)
                        .filter(type -> type.isString() && type.asString().equals(NETWORK_TYPE))
                        .isPresent();
    }

    private static ObjectNode view(Network network, Actor actor) {
        ObjectNode view = Json.object();
        view.put("id", network.id().toString())
                .put("name", network.name())
                .put("tenant_id", network.projectId())
                .put("project_id", network.projectId())
                .put("admin_state_up", network.adminStateUp())
                .put("mtu", network.mtuBytes())
                .put("status", "ACTIVE")
                .put("shared", false)
                .put("router:external", false)
                .put("port_security_enabled", network.portSecurityEnabled())
                .put("description", network.description());
        view.set(
                "subnets", Json.strings(network.subnetIds().stream().map(UUID::toString).toList()));
        view.putArray("availability_zone_hints");
        view.putArray("availability_zones");
        view.putNull("ipv4_address_scope");
        view.putNull("ipv6_address_scope");
        if (actor.isAdmin()) {
            view.put("provider:network_type", NETWORK_TYPE)
                    .putNull("provider:physical_network")
                    .put("provider:segmentation_id", network.segmentationId());
        }
        return Views.stamp(view, network.stamp());
    }
}
