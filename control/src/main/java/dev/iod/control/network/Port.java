package dev.iod.control.network;

import java.util.List;
import java.util.UUID;

/**
 * A port of a network. Absent texts are empty, as in the API.
 *
 * @param deviceOwner what kind of device {@code deviceId} is; see {@link DeviceOwner}
 * @param host the node it is bound to; empty if unbound
 * @param active OVN reports the port up
 */
record Port(
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
        Stamp stamp) {}
