package dev.iod.control.network;

import java.util.List;
import java.util.UUID;

/**
 * A tenant's layer-2 network.
 *
 * @param mtuBytes what its servers are told, in bytes
 * @param segmentationId a number of its own, shown to administrators; the tunnel key on the wire is
 *     OVN's choice
 */
record Network(
        UUID id,
        String projectId,
        String name,
        String description,
        boolean adminStateUp,
        int mtuBytes,
        boolean portSecurityEnabled,
        int segmentationId,
        List<UUID> subnetIds,
        Stamp stamp) {}
