package dev.iod.network;

import java.util.List;
import java.util.UUID;

/**
 * A port of a network. Absent texts are empty, as in the API.
 *
 * @param deviceOwner what kind of device {@code deviceId} is; see {@link DeviceOwner}
 * @param host the node it is bound to; empty if unbound
 * @param active OVN reports the port up
 * @param tunnelKey its number in packets between nodes, 1 to 32767, of its own within the network
 *     and, for an interface, within the router; the database chooses it when the port is inserted
 */
public record Port(
        UUID id,
        String projectId,
        UUID networkId,
        String name,
        String description,
        boolean adminStateUp,
        String mac,
        String deviceId,
        String deviceOwner,
        String host,
        String vnicType,
        boolean portSecurityEnabled,
        boolean active,
        List<FixedIp> fixedIps,
        List<UUID> securityGroupIds,
        List<AddressPair> allowedAddressPairs,
        int tunnelKey,
        Stamp stamp) {

    public Port withDevice(String newDeviceId, String newDeviceOwner) {
        return new Port(
                id,
                projectId,
                networkId,
                name,
                description,
                adminStateUp,
                mac,
                newDeviceId,
                newDeviceOwner,
                host,
                vnicType,
                portSecurityEnabled,
                active,
                fixedIps,
                securityGroupIds,
                allowedAddressPairs,
                tunnelKey,
                stamp);
    }

    public Port withHost(String newHost) {
        return new Port(
                id,
                projectId,
                networkId,
                name,
                description,
                adminStateUp,
                mac,
                deviceId,
                deviceOwner,
                newHost,
                vnicType,
                portSecurityEnabled,
                active,
                fixedIps,
                securityGroupIds,
                allowedAddressPairs,
                tunnelKey,
                stamp);
    }

    public Port withMac(String newMac) {
        return new Port(
                id,
                projectId,
                networkId,
                name,
                description,
                adminStateUp,
                newMac,
                deviceId,
                deviceOwner,
                host,
                vnicType,
                portSecurityEnabled,
                active,
                fixedIps,
                securityGroupIds,
                allowedAddressPairs,
                tunnelKey,
                stamp);
    }

    public Port withText(String newName, String newDescription, boolean newAdminStateUp) {
        return new Port(
                id,
                projectId,
                networkId,
                newName,
                newDescription,
                newAdminStateUp,
                mac,
                deviceId,
                deviceOwner,
                host,
                vnicType,
                portSecurityEnabled,
                active,
                fixedIps,
                securityGroupIds,
                allowedAddressPairs,
                tunnelKey,
                stamp);
    }

    public Port withFixedIps(List<FixedIp> newFixedIps) {
        return new Port(
                id,
                projectId,
                networkId,
                name,
                description,
                adminStateUp,
                mac,
                deviceId,
                deviceOwner,
                host,
                vnicType,
                portSecurityEnabled,
                active,
                newFixedIps,
                securityGroupIds,
                allowedAddressPairs,
                tunnelKey,
                stamp);
    }

    public Port withPortSecurity(boolean enabled, List<UUID> groups, List<AddressPair> pairs) {
        return new Port(
                id,
                projectId,
                networkId,
                name,
                description,
                adminStateUp,
                mac,
                deviceId,
                deviceOwner,
                host,
                vnicType,
                enabled,
                active,
                fixedIps,
                groups,
                pairs,
                tunnelKey,
                stamp);
    }
}
