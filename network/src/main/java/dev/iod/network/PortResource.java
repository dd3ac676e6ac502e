package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/ports}. */
final class PortResource implements Resource {
    private final Ports ports;
    private final ServerWatcher servers;

    PortResource(Ports ports, ServerWatcher servers) {
        this.ports = ports;
        this.servers = servers;
    }

    @Override
    public String singular() {
        return "port";
    }

    @Override
    public String plural() {
        return "ports";
    }

    @Override
    public String path() {
        return "ports";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.portNotFound(id);
    }

    /** Many make ports at once: the network and the project's quota are locked. */
    @Override
    public boolean createsLocked() {
        return true;
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        Network network = NetworkStore.require(handle, actor, Attributes.id(fields, "network_id"));
        Port blank = ports.blank(handle, network, Attributes.project(fields, actor));
        Port port = common(actor, fields, mac(handle, fields, blank));
        Optional<List<Ports.WantedIp>> wanted = PortFields.fixedIps(fields);
        List<FixedIp> fixedIps =
                wanted.map(ips -> ports.allocate(handle, network.id(), ips, List.of()))
                        .orElseGet(() -> ports.allocateAny(handle, network.id()));
        port = port.withFixedIps(fixedIps);
        port = security(handle, actor, fields, port, true);
        fields.end();
        NetworkQuotas.claim(handle, port.projectId(), NetworkQuotas.PORTS);
        PortStore.insert(handle, port);
        return show(handle, actor, port.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return PortView.of(PortStore.require(handle, actor, id), actor);
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        return PortStore.list(handle, actor, query, page).map(port -> PortView.of(port, actor));
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        Port old = PortStore.require(handle, actor, id);
        Attributes.readOnly(
                fields, List.of("id", "tenant_id", "project_id", "network_id", "status"));
        Port port = common(actor, fields, mac(handle, fields, old));
        Optional<List<Ports.WantedIp>> wanted = PortFields.fixedIps(fields);
        if (wanted.isPresent()) {
            refuseInfrastructure(old, "fixed_ips");
            port =
                    port.withFixedIps(
                            ports.allocate(handle, old.networkId(), wanted.get(), old.fixedIps()));
        }
        port = security(handle, actor, fields, port, false);
        fields.end();
        Optional<UUID> server = PortStore.serverOf(handle, id);
        boolean moved =
                !port.deviceId().equals(old.deviceId())
                        || !port.deviceOwner().equals(old.deviceOwner())
                        || !port.host().equals(old.host());
        if (moved && server.isPresent()) {
            // The server would keep the interface; taking it off is the compute service's to do.
            throw inUse(old, "device_id");
        }
        PortStore.update(handle, port);
        server.ifPresent(one -> servers.portsChanged(handle, List.of(one)));
        return show(handle, actor, id);
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        Port port = PortStore.require(handle, actor, id);
        if (DeviceOwner.isInfrastructure(port.deviceOwner())) {
            throw Neutron.conflict(
                    "ServicePortInUse",
                    ("Port %s cannot be deleted directly via the port API: has device owner %s.")
                            .formatted(id, port.deviceOwner()));
        }
        Optional<UUID> server = PortStore.serverOf(handle, id);
        PortStore.delete(handle, id);
        server.ifPresent(one -> servers.portsChanged(handle, List.of(one)));
    }

    /** The attributes that create and update treat alike; {@code base} gives what is not said. */
    private static Port common(Actor actor, Fields fields, Port base) {
        Port port =
                base.withText(
                        fields.optionalString("name", Attributes.NAME_LENGTH).orElse(base.name()),
                        fields.optionalString("description", Attributes.NAME_LENGTH)
                                .orElse(base.description()),
                        fields.optionalBoolean("admin_state_up").orElse(base.adminStateUp()));
        String device =
                fields.optionalString("device_id", Attributes.NAME_LENGTH).orElse(base.deviceId());
        String owner =
                fields.optionalString("device_owner", Attributes.NAME_LENGTH)
                        .orElse(base.deviceOwner());
        boolean moved = !device.equals(base.deviceId()) || !owner.equals(base.deviceOwner());
        if (moved) {
            refuseInfrastructure(base, "device_id");
        }
        if (DeviceOwner.isInfrastructure(owner) && !owner.equals(base.deviceOwner())) {
            throw Neutron.invalid(
                    "'%s' is not for ports made by users; add an interface to a router instead"
                            .formatted(owner));
        }
        return PortFields.binding(fields, actor, port.withDevice(device, owner));
    }

    private static Port mac(Handle handle, Fields fields, Port base) {
        Optional<String> text = fields.optionalString("mac_address", Attributes.NAME_LENGTH);
        if (text.isEmpty()) {
            return base;
        }
        String mac = PortFields.mac("mac_address", text.get());
        if (mac.equals(base.mac())) {
            return base;
        }
        refuseInfrastructure(base, "mac_address");
        if (!base.host().isEmpty()) {
            throw Neutron.conflict(
                    "PortBound",
                    ("Unable to complete operation on port %s, port is already bound, port type:"
                                    + " %s, old_mac %s, new_mac %s.")
                            .formatted(base.id(), PortView.VIF_TYPE, base.mac(), mac));
        }
        if (PortStore.macInUse(handle, base.networkId(), mac)) {
            throw Neutron.conflict(
                    "MacAddressInUse",
                    "Unable to complete operation for network %s. The mac address %s is in use."
                            .formatted(base.networkId(), mac));
        }
        return base.withMac(mac);
    }

    /** Port security, groups and address pairs, which depend on each other and on the addresses. */
    private static Port security(
            Handle handle, Actor actor, Fields fields, Port base, boolean isNew) {
        boolean enabled =
                fields.optionalBoolean("port_security_enabled").orElse(base.portSecurityEnabled());
        Optional<List<UUID>> groups = PortFields.securityGroups(handle, actor, fields);
        Optional<List<AddressPair>> pairs = PortFields.addressPairs(fields, base.mac());
        if (DeviceOwner.isInfrastructure(base.deviceOwner())
                && (enabled != base.portSecurityEnabled()
                        || groups.isPresent()
                        || pairs.isPresent())) {
            refuseInfrastructure(base, "port_security_enabled");
        }
        boolean filterable = enabled && !base.fixedIps().isEmpty();
        if (groups.filter(given -> !given.isEmpty()).isPresent() && !filterable) {
            throw Neutron.badRequest(
                    "PortSecurityAndIPRequiredForSecurityGroups",
                    "Port security must be enabled and port must have an IP address in order to use"
                            + " security groups.");
        }
        if (!enabled && groups.isEmpty() && !base.securityGroupIds().isEmpty()) {
            throw Neutron.conflict(
                    "PortSecurityPortHasSecurityGroup",
                    "Port has security group associated. Cannot disable port security or IP address"
                            + " until security group is removed.");
        }
        List<AddressPair> keptPairs = pairs.orElse(base.allowedAddressPairs());
        if (!enabled && !keptPairs.isEmpty()) {
            throw Neutron.conflict(
                    "AddressPairAndPortSecurityRequired",
                    "Port Security must be enabled in order to have allowed address pairs on a"
                            + " port.");
        }
        List<UUID> otherwise =
                isNew && filterable
                        ? List.of(SecurityGroups.ensureDefault(handle, base.projectId()))
                        : base.securityGroupIds();
        return base.withPortSecurity(enabled, groups.orElse(otherwise), keptPairs);
    }

    private static void refuseInfrastructure(Port port, String attribute) {
        if (DeviceOwner.isInfrastructure(port.deviceOwner())) {
            throw inUse(port, attribute);
        }
    }

    private static ApiException inUse(Port port, String attribute) {
        return Neutron.conflict(
                "PortInUse",
                ("Unable to complete operation on port %s for network %s. Port already has an"
                                + " attached device %s; '%s' cannot be changed.")
                        .formatted(port.id(), port.networkId(), port.deviceId(), attribute));
    }
}
