package dev.iod.eswitch.rules;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.eswitch.rules.PipelineState.NeighborKey;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityKey;
import dev.iod.pipeline.PortKey;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

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

    // What the next state is made of.
    private PersistentMap<Integer, DatapathState> datapaths = PersistentMap.empty();
    private PersistentMap<Long, Entity.LogicalPort> ports = PersistentMap.empty();
    private PersistentMap<Long, Entity.MulticastGroup> multicastGroups = PersistentMap.empty();
    private PersistentMap<NeighborKey, Long> neighbors = PersistentMap.empty();
    private PersistentMap<String, SetMatcher> sets = PersistentMap.empty();
    private PersistentMap<Integer, Entity.Device> devices = PersistentMap.empty();
    private PersistentMap<Integer, Long> portOfDevice = PersistentMap.empty();

    private final Map<Integer, TreeSet<Long>> deviceUsers = new HashMap<>();

    /** Ports behind each tunnel. */
    private final Map<Integer, Integer> tunnels = new HashMap<>();

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

    /** What a transaction touched, until the next state is made. */
    private static final class Touched {
        /** Datapaths whose packets it may concern. */
        final Set<Integer> datapaths = new HashSet<>();

        /** Datapaths that are new, or in another set of groups. */
        final Set<Integer> whole = new HashSet<>();

        final Set<String> sets = new HashSet<>();
    }

    private void remove(EntityKey key, Touched touched) {
        Entity old = rows.remove(key);
        if (old != null) {
            leave(old, touched);
        }
    }

    private void put(EntityKey key, Entity entity, Touched touched) {
        Entity old = rows.get(key);
        if (entity.equals(old)) {
            return;
        }
        rows.put(key, entity);
        if (old != null) {
            replaced(old, touched);
        }
        enter(entity, touched);
    }

    /** A row goes. */
    private void leave(Entity old, Touched touched) {
        replaced(old, touched);
        switch (old) {
            case Entity.Datapath e -> datapaths = datapaths.without(e.key());
            case Entity.DatapathGroup e -> touched.whole.addAll(rules.group(e.id(), new int[0]));
            case Entity.Rule e -> rules.remove(e.id());
            case Entity.SetMember e -> set(e.set(), members(e.set()).without(e.values()));
            case Entity.LogicalPort e -> ports = ports.without(e.key());
            case Entity.MulticastGroup e -> multicastGroups = multicastGroups.without(e.key());
            case Entity.Neighbor e -> neighbors = neighbors.without(key(e));
            case Entity.Device e -> devices = devices.without(e.id());
        }
    }

    /** A row goes or another one takes its place. */
    private void replaced(Entity old, Touched touched) {
        touch(old, touched);
        if (old instanceof Entity.LogicalPort port) {
            switch (port.target()) {
                case Target.Local(int device) -> {
                    users(device).remove(port.key());
                    use(device);
                }
                case Target.Remote(int address) -> tunnel(address, -1);
                case Target.Peer ignored -> {}
                case Target.Nowhere ignored -> {}
            }
        }
    }

    private void enter(Entity entity, Touched touched) {
        touch(entity, touched);
        switch (entity) {
            case Entity.Datapath e -> touched.whole.add(e.key());
            case Entity.DatapathGroup e -> touched.whole.addAll(rules.group(e.id(), e.datapaths()));
            case Entity.Rule e -> rules.put(e);
            case Entity.SetMember e -> set(e.set(), members(e.set()).with(e.values()));
            case Entity.LogicalPort e -> {
                ports = ports.with(e.key(), e);
                switch (e.target()) {
                    case Target.Local(int device) -> {
                        users(device).add(e.key());
                        use(device);
                    }
                    case Target.Remote(int address) -> tunnel(address, 1);
                    case Target.Peer ignored -> {}
                    case Target.Nowhere ignored -> {}
                }
            }
            case Entity.MulticastGroup e -> multicastGroups = multicastGroups.with(e.key(), e);
            case Entity.Neighbor e -> neighbors = neighbors.with(key(e), e.mac());
            case Entity.Device e -> devices = devices.with(e.id(), e);
        }
    }

    private SetMatcher members(String set) {
        SetMatcher known = sets.get(set);
        return known == null ? SetMatcher.EMPTY : known;
    }

    private void set(String name, SetMatcher now) {
        sets = now.isEmpty() ? sets.without(name) : sets.with(name, now);
    }

    private static NeighborKey key(Entity.Neighbor neighbor) {
        return new NeighborKey(neighbor.port(), neighbor.ip().high(), neighbor.ip().low());
    }

    private TreeSet<Long> users(int device) {
        return deviceUsers.computeIfAbsent(device, d -> new TreeSet<>());
    }

    /** Of several ports on a device, which is a moment's state, the first has it. */
    private void use(int device) {
        TreeSet<Long> users = users(device);
        if (users.isEmpty()) {
            deviceUsers.remove(device);
            portOfDevice = portOfDevice.without(device);
        } else {
            portOfDevice = portOfDevice.with(device, users.getFirst());
        }
    }

    private void tunnel(int address, int by) {
        if (tunnels.merge(address, by, Integer::sum) == 0) {
            tunnels.remove(address);
        }
    }

    private static void touch(Entity entity, Touched touched) {
        switch (entity) {
            case Entity.Datapath e -> touched.datapaths.add(e.key());
            case Entity.DatapathGroup e -> {}
            case Entity.Rule e -> {}
            case Entity.SetMember e -> touched.sets.add(e.set());
            case Entity.LogicalPort e -> touched.datapaths.add(PortKey.datapath(e.key()));
            case Entity.MulticastGroup e -> touched.datapaths.add(PortKey.datapath(e.key()));
            case Entity.Neighbor e -> touched.datapaths.add(PortKey.datapath(e.port()));
            case Entity.Device e -> {}
        }
    }

    private PipelineState next(Touched touched) {
        Map<Integer, Set<Integer>> tables = new HashMap<>();
        for (RuleTables.TableKey key : rules.settle()) {
            for (int datapath : rules.datapathsOf(key.scope())) {
                tables.computeIfAbsent(datapath, d -> new HashSet<>()).add(key.number());
            }
        }
        for (int scope : rules.scopesUsing(touched.sets)) {
            touched.datapaths.addAll(rules.datapathsOf(scope));
        }
        touched.datapaths.addAll(touched.whole);
        touched.datapaths.addAll(tables.keySet());
        for (int key : touched.datapaths) {
            if (rows.get(EntityKey.datapath(key)) instanceof Entity.Datapath row) {
                DatapathState old = datapaths.get(key);
                Classifier[][] now =
                        old == null || touched.whole.contains(key)
                                ? rules.tablesOf(key)
                                : rules.with(old.tables(), key, tables.getOrDefault(key, Set.of()));
                datapaths = datapaths.with(key, new DatapathState(row, ++generations, now));
            }
        }
        Set<Integer> addresses =
                state.tunnelAddresses().equals(tunnels.keySet())
                        ? state.tunnelAddresses()
                        : Set.copyOf(tunnels.keySet());
        return new PipelineState(
                datapaths,
                ports,
                multicastGroups,
                neighbors,
                sets,
                devices,
                portOfDevice,
                addresses);
    }
}
