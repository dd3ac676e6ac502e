package dev.iod.ovn;

import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The rows the engine should hold, each with the source that says so, and how those that changed
 * since the last difference was taken were before. Belongs to the chassis' thread.
 */
final class Wanted {
    private static final Comparator<Claim> ORDER =
            Comparator.comparing(claim -> claim.source().toString());

    private final Map<EntityKey, Claim> rows = new HashMap<>();

    /** All claims of rows that more than one source wants; the last in order wins. */
    private final Map<EntityKey, List<Claim>> rivals = new HashMap<>();

    private final Map<EntityKey, Optional<Entity>> changed = new LinkedHashMap<>();
    private final BiConsumer<Optional<Entity>, Optional<Entity>> observer;

    private record Claim(Fact source, Entity entity) {}

    /**
     * @param observer told each row that changes, before and after
     */
    Wanted(BiConsumer<Optional<Entity>, Optional<Entity>> observer) {
        this.observer = observer;
    }

    /** What a source wants from now on, in place of what it wanted before. */
    void replace(Fact source, List<? extends Entity> before, List<? extends Entity> after) {
        Set<EntityKey> kept = new HashSet<>();
        for (Entity entity : after) {
            EntityKey key = EntityKey.of(entity);
            kept.add(key);
            claim(key, Optional.of(new Claim(source, entity)), source);
        }
        for (Entity entity : before) {
            EntityKey key = EntityKey.of(entity);
            if (!kept.contains(key)) {
                claim(key, Optional.empty(), source);
            }
        }
    }

    private void claim(EntityKey key, Optional<Claim> claim, Fact source) {
        Optional<Claim> holder = Optional.ofNullable(rows.get(key));
        if (holder.isEmpty()
                || (holder.get().source().equals(source) && !rivals.containsKey(key))) {
            set(key, holder, claim);
            return;
        }
        List<Claim> all = new ArrayList<>(rivals.getOrDefault(key, List.of(holder.get())));
        all.removeIf(other -> other.source().equals(source));
        claim.ifPresent(all::add);
        all.sort(ORDER);
        if (all.size() > 1) {
            rivals.put(key, all);
        } else {
            rivals.remove(key);
        }
        set(key, holder, Optional.of(all.getLast()));
    }

    private void set(EntityKey key, Optional<Claim> before, Optional<Claim> after) {
        Optional<Entity> old = before.map(Claim::entity);
        Optional<Entity> now = after.map(Claim::entity);
        after.ifPresentOrElse(claim -> rows.put(key, claim), () -> rows.remove(key));
        if (!old.equals(now)) {
            changed.putIfAbsent(key, old);
            observer.accept(old, now);
        }
    }

    int size() {
        return rows.size();
    }

    Collection<Entity> all() {
        return rows.values().stream().map(Claim::entity).toList();
    }

    /** Everything, and nothing differs from it yet. */
    Engine.Change takeAll() {
        changed.clear();
        return new Engine.Change(true, List.copyOf(all()), List.of());
    }

    /** What differs from what was taken before. */
    Engine.Change takeDifference() {
        var put = new ArrayList<Entity>();
        var remove = new ArrayList<EntityKey>();
        changed.forEach(
                (key, before) -> {
                    Claim now = rows.get(key);
                    if (now == null) {
                        before.ifPresent(entity -> remove.add(key));
                    } else if (!before.equals(Optional.of(now.entity()))) {
                        put.add(now.entity());
                    }
                });
        changed.clear();
        return new Engine.Change(false, List.copyOf(put), List.copyOf(remove));
    }
}
