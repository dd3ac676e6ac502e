package dev.iod.network;

import dev.iod.store.Rows;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
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

    /**
     * The rows of these units and what they refer to: of a router also the networks of its
     * interfaces, without the other ports of those.
     */
    public static NetworkSnapshot read(Handle handle, Collection<IntentUnit> units) {
        List<UUID> networks = ids(units, IntentUnit.Kind.NETWORK);
        List<UUID> routers = ids(units, IntentUnit.Kind.ROUTER);
        var ports = new LinkedHashMap<UUID, Port>();
        PortStore.ofNetworks(handle, networks).forEach(port -> ports.put(port.id(), port));
        List<Port> interfaces = PortStore.ofRouters(handle, routers);
        interfaces.forEach(port -> ports.put(port.id(), port));
        List<UUID> beside = interfaces.stream().map(Port::networkId).toList();
        List<UUID> referred = Stream.concat(networks.stream(), beside.stream()).distinct().toList();
        return new NetworkSnapshot(
                NetworkStore.byIds(handle, referred),
                SubnetStore.ofNetworks(handle, referred),
                List.copyOf(ports.values()),
                RouterStore.byIds(handle, routers),
                SecurityGroupStore.byIds(handle, ids(units, IntentUnit.Kind.SECURITY_GROUP)));
    }

    /**
     * Records what OVN reports of ports; it is no change of intent, so the revision stays. A row
     * that says so already is not written.
     */
    public static void setActive(Handle handle, Map<UUID, Boolean> activeById) {
        for (boolean active : new boolean[] {true, false}) {
            List<UUID> ids =
                    activeById.entrySet().stream()
                            .filter(entry -> entry.getValue() == active)
                            .map(Map.Entry::getKey)
                            .toList();
            if (!ids.isEmpty()) {
                handle.createUpdate(
                                "UPDATE port SET active = :active WHERE active <> :active AND id ="
                                        + " ANY(string_to_array(:ids, ',')::uuid[])")
                        .bind("active", active)
                        .bind("ids", Rows.joined(ids))
                        .execute();
            }
        }
    }

    private static List<UUID> ids(Collection<IntentUnit> units, IntentUnit.Kind kind) {
        return units.stream().filter(unit -> unit.kind() == kind).map(IntentUnit::id).toList();
    }
}
