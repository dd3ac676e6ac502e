package dev.iod.compute;

import java.util.Map;
import java.util.Optional;

/**
 * A size of server.
 *
 * @param id what the API calls it; chosen by its maker, need not be a UUID
 * @param memoryMib 1 or more
 * @param vcpus 1 or more
 * @param properties the API's extra specs; {@link #MACHINE} chooses the machine model
 */
record Flavor(
        String id,
        String name,
        long memoryMib,
        int vcpus,
        int diskGib,
        int ephemeralGib,
        int swapMib,
        double rxtxFactor,
        boolean shared,
        boolean disabled,
        Optional<String> description,
        Map<String, String> properties) {

    /**
     * The property that chooses the machine model: {@code q35} (the default) or {@code microvm}.
     */
    static final String MACHINE = "iod:machine";

    Flavor {
        properties = Map.copyOf(properties);
    }
}
