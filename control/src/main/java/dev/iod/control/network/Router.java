package dev.iod.control.network;

import java.util.UUID;

/** A router between subnets; its interfaces are ports whose device it is. */
record Router(
        UUID id,
        String projectId,
        String name,
        String description,
        boolean adminStateUp,
        Stamp stamp) {}
