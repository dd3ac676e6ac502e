package dev.iod.region;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A node as the region knows it.
 *
 * @param vcpus what tenants may use, 0 until the node's first session
 * @param memoryMib what tenants may use
 * @param diskMib size of its pool of root disks, 0 until the node has said it
 * @param architecture as in {@code uname -m}
 * @param heartbeatAt when it was last heard
 * @param up whether it was heard within {@link Nodes#DOWN_AFTER}
 */
public record Node(
        String name,
        int vcpus,
        long memoryMib,
        long diskMib,
        String encapsulationAddress,
        String architecture,
        List<String> traits,
        Optional<Instant> heartbeatAt,
        boolean up) {
    /** Copies the traits. */
    public Node {
        traits = List.copyOf(traits);
    }
}
