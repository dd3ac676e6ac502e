package dev.iod.ovn;

import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;

/** An engine that keeps its rows and moves no packets. */
final class MemoryEngine implements Engine {
    private final Map<EntityKey, Entity> rows = new LinkedHashMap<>();
    private final Map<String, Set<Entity.Target>> targets = new HashMap<>();
    private int removals;
    private int fewestRules;

    @Override
    public synchronized CompletionStage<Void> commit(Change change) {
        int before = rows.size();
        if (change.replace()) {
            rows.clear();
        }
        change.remove().forEach(rows::remove);
        change.put().forEach(entity -> rows.put(EntityKey.of(entity), entity));
        removals += Math.max(change.remove().size(), before - rows.size());
        all(Entity.LogicalPort.class).forEach(this::rememberTarget);
        fewestRules = Math.min(fewestRules, all(Entity.Rule.class).size());
        return CompletableFuture.completedFuture(null);
    }

    private void rememberTarget(Entity.LogicalPort port) {
        targets.computeIfAbsent(port.name(), name -> new LinkedHashSet<>()).add(port.target());
    }

    synchronized <T extends Entity> List<T> all(Class<T> type) {
        return rows.values().stream().filter(type::isInstance).map(type::cast).toList();
    }

    Stream<Entity.Rule> rules() {
        return all(Entity.Rule.class).stream();
    }

    Entity.LogicalPort port(String name) {
        return all(Entity.LogicalPort.class).stream()
                .filter(port -> port.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    synchronized void forgetHistory() {
        removals = 0;
        fewestRules = Integer.MAX_VALUE;
        targets.clear();
    }

    /** The fewest rules there were after any change since {@link #forgetHistory}. */
    synchronized int fewestRules() {
        return fewestRules;
    }

    /** Everywhere a port was after any change since {@link #forgetHistory}. */
    synchronized Set<Entity.Target> targets(String port) {
        return Set.copyOf(targets.getOrDefault(port, Set.of()));
    }

    synchronized int removals() {
        return removals;
    }

    synchronized void clear() {
        rows.clear();
    }
}
