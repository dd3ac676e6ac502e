package dev.iod.eswitch.rules;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.WireWriter;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.eswitch.rules.PipelineState.NeighborKey;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityCodec;
import dev.iod.pipeline.EntityKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rows the agent put, and the way from one {@link PipelineState} to the next. A change is
 * validated before anything is touched. Used by one thread at a time (the control lock).
 */
public final class EntityStore {
    /** Rows of all kinds together. */
    public static final int MAX_ROWS = 2_000_000;

    private final Map<EntityKey, Entity> rows = new HashMap<>();
    private final RuleTables rules = new RuleTables();
    private PipelineState state = PipelineState.EMPTY;
    private long generations;

    /** One step of a transaction: a new row or the key of one to forget. */
    public sealed interface Change {
        record Put(Entity entity) implements Change {}

        record Remove(EntityKey key) implements Change {}
    }

    public PipelineState state() {
        return state;
    }

    /** All rows, a view. */
    public Collection<Entity> rows() {
        return Collections.unmodifiableCollection(rows.values());
    }

    /** Applies all changes or, with an INVALID or LIMIT exception, none. */
    public PipelineState apply(List<Change> changes, boolean replace) {
        Map<EntityKey, Entity> wanted = new LinkedHashMap<>();
        Set<EntityKey> removed = new HashSet<>();
        for (Change change : changes) {
            switch (change) {
                case Change.Put put -> {
                    EntityValidator.check(put.entity());
                    EntityKey key = EntityKey.of(put.entity());
                    removed.remove(key);
                    wanted.put(key, put.entity());
                }
                case Change.Remove remove -> {
                    wanted.remove(remove.key());
                    removed.add(remove.key());
                }
            }
        }
        if ((replace ? 0 : rows.size()) + wanted.size() > MAX_ROWS) {
            throw new EngineException(
                    Category.LIMIT, "the engine holds at most " + MAX_ROWS + " rows");
        }
        if (replace) {
            for (EntityKey key : rows.keySet()) {
                if (!wanted.containsKey(key)) {
                    removed.add(key);
                }
            }
        }
        Touched touched = new Touched();
        removed.forEach(key -> remove(key, touched));
        wanted.forEach((key, entity) -> put(key, entity, touched));
        state = next(touched);
        return state;
    }

    /** What a transaction touched: rows by kind, and the datapaths whose packets it may concern. */
    private static final class Touched {
        final Set<EntityKey.Kind> kinds = new HashSet<>();
        final Set<Integer> datapaths = new HashSet<>();
        final Set<RuleTables.TableKey> tables = new HashSet<>();
        final Set<String> sets = new HashSet<>();
    }

    private void remove(EntityKey key, Touched touched) {
        Entity old = rows.remove(key);
        if (old != null) {
            touch(old, touched);
            if (old instanceof Entity.Rule rule) {
                rules.remove(rule);
            }
        }
    }

    private void put(EntityKey key, Entity entity, Touched touched) {
        Entity old = rows.put(key, entity);
        if (entity.equals(old)) {
            rows.put(key, old);
            return;
        }
        if (old != null) {
            touch(old, touched);
            if (old instanceof Entity.Rule rule) {
                rules.remove(rule);
            }
        }
        touch(entity, touched);
        if (entity instanceof Entity.Rule rule) {
            rules.put(CompiledRule.of(rule));
        }
    }

    private static void touch(Entity entity, Touched touched) {
        touched.kinds.add(EntityKey.of(entity).kind());
        switch (entity) {
            case Entity.Datapath e -> touched.datapaths.add(e.key());
            case Entity.DatapathGroup e -> {
                for (int datapath : e.datapaths()) {
                    touched.datapaths.add(datapath);
                }
            }
            case Entity.Rule e -> touched.tables.add(RuleTables.TableKey.of(e));
            case Entity.ValueSet e -> touched.sets.add(e.name());
            case Entity.LogicalPort e -> touched.datapaths.add(datapathOf(e.key()));
            case Entity.MulticastGroup e -> touched.datapaths.add(datapathOf(e.key()));
            case Entity.Neighbor e -> touched.datapaths.add(datapathOf(e.port()));
            case Entity.Device e -> {}
        }
    }

    public static int datapathOf(long portKey) {
        return (int) (portKey >>> 16);
    }

    private PipelineState next(Touched touched) {
        rules.rebuild(touched.tables);
        Map<Integer, int[]> groups = new HashMap<>();
        for (Entity.DatapathGroup group : all(Entity.DatapathGroup.class)) {
            groups.put(group.id(), group.datapaths());
        }
        for (RuleTables.TableKey key : touched.tables) {
            touched.datapaths.addAll(scope(key.scope(), groups));
        }
        for (int scope : rules.scopesUsing(touched.sets)) {
            touched.datapaths.addAll(scope(scope, groups));
        }
        return new PipelineState(
                datapaths(touched, groups),
                touched.kinds.contains(EntityKey.Kind.LOGICAL_PORT) ? ports() : state.ports(),
                touched.kinds.contains(EntityKey.Kind.MULTICAST_GROUP)
                        ? multicastGroups()
                        : state.multicastGroups(),
                touched.kinds.contains(EntityKey.Kind.NEIGHBOR) ? neighbors() : state.neighbors(),
                touched.sets.isEmpty() ? state.sets() : sets(),
                touched.kinds.contains(EntityKey.Kind.DEVICE) ? devices() : state.devices(),
                touched.kinds.contains(EntityKey.Kind.LOGICAL_PORT)
                        ? portOfDevice()
                        : state.portOfDevice(),
                touched.kinds.contains(EntityKey.Kind.LOGICAL_PORT)
                        ? tunnelAddresses()
                        : state.tunnelAddresses());
    }

    private static List<Integer> scope(int scope, Map<Integer, int[]> groups) {
        if (scope >= 0) {
            return List.of(scope);
        }
        int[] members = groups.get(-scope);
        return members == null ? List.of() : Arrays.stream(members).boxed().toList();
    }

    private Map<Integer, DatapathState> datapaths(Touched touched, Map<Integer, int[]> groups) {
        if (touched.datapaths.isEmpty()) {
            return state.datapaths();
        }
        Map<Integer, List<Integer>> scopes = new HashMap<>();
        groups.forEach(
                (id, members) -> {
                    for (int member : members) {
                        scopes.computeIfAbsent(member, key -> new ArrayList<>()).add(-id);
                    }
                });
        Map<Integer, DatapathState> next = new HashMap<>();
        for (Entity.Datapath row : all(Entity.Datapath.class)) {
            DatapathState old = state.datapath(row.key());
            if (old != null && !touched.datapaths.contains(row.key())) {
                next.put(row.key(), old);
            } else {
                List<Integer> own = scopes.computeIfAbsent(row.key(), key -> new ArrayList<>());
                own.add(row.key());
                next.put(row.key(), new DatapathState(row, ++generations, rules.tablesOf(own)));
            }
        }
        return next;
    }

    private Map<Long, Entity.LogicalPort> ports() {
        Map<Long, Entity.LogicalPort> ports = new HashMap<>();
        all(Entity.LogicalPort.class).forEach(port -> ports.put(port.key(), port));
        return ports;
    }

    private Map<Integer, Long> portOfDevice() {
        Map<Integer, Long> ports = new HashMap<>();
        for (Entity.LogicalPort port : all(Entity.LogicalPort.class)) {
            if (port.target() instanceof Target.Local local) {
                ports.put(local.device(), port.key());
            }
        }
        return ports;
    }

    private Set<Integer> tunnelAddresses() {
        Set<Integer> addresses = new HashSet<>();
        for (Entity.LogicalPort port : all(Entity.LogicalPort.class)) {
            if (port.target() instanceof Target.Remote remote) {
                addresses.add(remote.tunnelAddress());
            }
        }
        return addresses;
    }

    private Map<Long, Entity.MulticastGroup> multicastGroups() {
        Map<Long, Entity.MulticastGroup> groups = new HashMap<>();
        all(Entity.MulticastGroup.class).forEach(group -> groups.put(group.key(), group));
        return groups;
    }

    private Map<NeighborKey, Long> neighbors() {
        Map<NeighborKey, Long> neighbors = new HashMap<>();
        for (Entity.Neighbor n : all(Entity.Neighbor.class)) {
            neighbors.put(new NeighborKey(n.port(), n.ip().high(), n.ip().low()), n.mac());
        }
        return neighbors;
    }

    private Map<String, SetMatcher> sets() {
        Map<String, SetMatcher> sets = new HashMap<>();
        all(Entity.ValueSet.class).forEach(set -> sets.put(set.name(), SetMatcher.of(set)));
        return sets;
    }

    private Map<Integer, Entity.Device> devices() {
        Map<Integer, Entity.Device> devices = new HashMap<>();
        all(Entity.Device.class).forEach(device -> devices.put(device.id(), device));
        return devices;
    }

    private <T extends Entity> List<T> all(Class<T> type) {
        List<T> found = new ArrayList<>();
        for (Entity row : rows.values()) {
            if (type.isInstance(row)) {
                found.add(type.cast(row));
            }
        }
        return found;
    }
}
