package dev.iod.network;

import java.util.UUID;

/**
 * A router between subnets; its interfaces are ports whose device it is.
 *
 * @param tunnelKey its number among networks and routers, see {@link Network#segmentationId}
 */
public record Router(
        UUID id,
        String projectId,
        String name,
        String description,
        boolean adminStateUp,
        int tunnelKey,
        Stamp stamp) {}
