package dev.iod.network;

import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** What the northbound reconciler reads and writes. */
public final class SnapshotStore {
    private SnapshotStore() {}

    public static NetworkSnapshot read(Handle handle) {
        return new NetworkSnapshot(
                NetworkStore.all(handle),
                SubnetStore.all(handle),
                PortStore.all(handle),
                RouterStore.all(handle),
                SecurityGroupStore.all(handle));
    }

    /** Records what OVN reports of ports; it is no change of intent, so the revision stays. */
    public static void setActive(Handle handle, Map<UUID, Boolean> activeById) {
        for (boolean active : new boolean[] {true, false}) {
            String ids =
                    activeById.entrySet().stream()
                            .filter(entry -> entry.getValue() == active)
                            .map(entry -> entry.getKey().toString())
                            .collect(Collectors.joining(","));
            if (!ids.isEmpty()) {
                handle.createUpdate(
                                "UPDATE port SET active = :active WHERE id ="
                                        + " ANY(string_to_array(:ids, ',')::uuid[])")
                        .bind("active", active)
                        .bind("ids", ids)
                        .execute();
            }
        }
    }
}
