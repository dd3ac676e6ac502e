package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

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

    boolean isMicrovm() {
        return "microvm".equals(properties.get(MACHINE));
    }

    /** Nova's sort keys and the expressions behind them; lists are in the order of the id. */
    private static final Map<String, String> SORT_KEYS =
            Map.of(
                    "flavorid", "id",
                    "name", "name",
                    "memory_mb", "memory_mib",
                    "vcpus", "vcpus",
                    "root_gb", "disk_gib",
                    "ephemeral_gb", "ephemeral_gib",
                    "swap", "swap_mib",
                    "rxtx_factor", "rxtx_factor",
                    "created_at", "created_at");

    static final Table<Flavor> TABLE = Table.of(Flavor.class, "flavor", "id").sorted(SORT_KEYS);

    /** Those that somebody may use: an administrator all, others the shared and their own. */
    static Where usable(Actor actor) {
        return actor.isAdmin()
                ? Where.ALL
                : Where.of(
                        "shared OR EXISTS (SELECT 1 FROM flavor_access a"
                                + " WHERE a.flavor_id = flavor.id AND a.project_id = ?)",
                        actor.projectId());
    }

    /** The flavor of that id, if they may use it. */
    static Optional<Flavor> find(Handle handle, Actor actor, String id) {
        return TABLE.first(handle, usable(actor).and(TABLE.is(id)));
    }

    Flavor {
        properties = Map.copyOf(properties);
    }
}
