package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.Json;
import java.util.UUID;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A port in JSON. */
final class PortView {
    static final String VIF_TYPE = "vhostuser";
    private static final String UNBOUND = "unbound";

    private PortView() {}

    static ObjectNode of(Port port, Actor actor) {
        ObjectNode view = Json.object();
        view.put("id", port.id().toString())
                .put("name", port.name())
                .put("tenant_id", port.projectId())
                .put("project_id", port.projectId())
                .put("network_id", port.networkId().toString())
                .put("admin_state_up", port.adminStateUp())
                .put("mac_address", port.mac())
                .put("status", port.active() ? "ACTIVE" : "DOWN")
                .put("device_id", port.deviceId())
                .put("device_owner", port.deviceOwner())
                .put("port_security_enabled", port.portSecurityEnabled())
                .put("binding:vnic_type", port.vnicType())
                .put("description", port.description());
        ArrayNode fixedIps = view.putArray("fixed_ips");
        for (FixedIp fixed : port.fixedIps()) {
            fixedIps.addObject()
                    .put("subnet_id", fixed.subnetId().toString())
                    .put("ip_address", fixed.address().toString());
        }
        view.set(
                "security_groups",
                Json.strings(port.securityGroupIds().stream().map(UUID::toString).toList()));
        ArrayNode pairs = view.putArray("allowed_address_pairs");
        for (AddressPair pair : port.allowedAddressPairs()) {
            pairs.addObject().put("ip_address", pair.address()).put("mac_address", pair.mac());
        }
        view.putArray("extra_dhcp_opts");
        if (actor.isAdmin()) {
            view.put("binding:host_id", port.host())
                    .put("binding:vif_type", port.host().isEmpty() ? UNBOUND : VIF_TYPE);
            view.putObject("binding:vif_details");
            view.putObject("binding:profile");
        }
        return Views.stamp(view, port.stamp());
    }
}
