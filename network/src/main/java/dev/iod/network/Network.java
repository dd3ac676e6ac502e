package dev.iod.network;

import java.util.List;
import java.util.UUID;

/**
 * A tenant's layer-2 network.
 *
 * @param mtuBytes what its servers are told, in bytes
 * @param segmentationId its tunnel key, which is the VNI of its packets between nodes; no other
 *     network or router has it; the database chooses it when the network is inserted
 */
public record Network(
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
