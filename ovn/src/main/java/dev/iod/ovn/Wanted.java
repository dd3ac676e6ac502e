package dev.iod.ovn;

import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The rows the engine should hold, each with the source that says so, and how those that changed
 * since the last difference was taken were before. Belongs to the chassis' thread.
 */
final class Wanted {
    private static final Comparator<Claim> ORDER =
            Comparator.comparing(claim -> claim.source().toString());

    /** Rows of a source up to which they are looked for one by one. */
    private static final int FEW = 16;

    private final Map<EntityKey, Claim> rows = new HashMap<>();

    /** Rules by their numbers, which are given to one source each: they have no rivals. */
    private final Map<Long, Entity.Rule> rules = new HashMap<>();

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
        for (Entity entity : after) {
            if (entity instanceof Entity.Rule rule) {
                set(rule);
            } else {
                claim(EntityKey.of(entity), Optional.of(new Claim(source, entity)), source);
            }
        }
        if (before.size() > FEW && after.size() > FEW) {
            var stay = new HashSet<EntityKey>();
            after.forEach(entity -> stay.add(EntityKey.of(entity)));
            for (Entity entity : before) {
                if (!stay.contains(EntityKey.of(entity))) {
                    remove(entity, source);
                }
            }
            return;
        }
        for (Entity entity : before) {
            if (!isIn(after, entity)) {
                remove(entity, source);
            }
        }
    }

    /** Whether one of a few is the same row. */
    private static boolean isIn(List<? extends Entity> entities, Entity one) {
        for (Entity entity : entities) {
            boolean same =
                    one instanceof Entity.Rule a
                            ? entity instanceof Entity.Rule b && a.id() == b.id()
                            : EntityKey.of(entity).equals(EntityKey.of(one));
            if (same) {
                return true;
            }
        }
        return false;
    }

    private void set(Entity.Rule rule) {
        Entity.Rule before = rules.put(rule.id(), rule);
        if (!rule.equals(before)) {
            note(EntityKey.of(rule), Optional.ofNullable(before), Optional.of(rule));
        }
    }

    private void remove(Entity entity, Fact source) {
        if (!(entity instanceof Entity.Rule rule)) {
            claim(EntityKey.of(entity), Optional.empty(), source);
        } else if (rules.remove(rule.id()) != null) {
            note(EntityKey.of(rule), Optional.of(rule), Optional.empty());
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
            note(key, old, now);
        }
    }

    private void note(EntityKey key, Optional<Entity> before, Optional<Entity> after) {
        changed.putIfAbsent(key, before);
        observer.accept(before, after);
    }

    int size() {
        return rows.size() + rules.size();
    }

    List<Entity> all() {
        var all = new ArrayList<Entity>(size());
        rows.values().forEach(claim -> all.add(claim.entity()));
        all.addAll(rules.values());
        return all;
    }

    private Optional<Entity> present(EntityKey key) {
        return key.kind() == EntityKey.Kind.RULE
                ? Optional.ofNullable(rules.get(key.number()))
                : Optional.ofNullable(rows.get(key)).map(Claim::entity);
    }

    /** Everything, and nothing differs from it yet. */
    Engine.Change takeAll() {
        changed.clear();
        return new Engine.Change(true, Collections.unmodifiableList(all()), List.of());
    }

    /** What differs from what was taken before. */
    Engine.Change takeDifference() {
        var put = new ArrayList<Entity>();
        var remove = new ArrayList<EntityKey>();
        changed.forEach(
                (key, before) -> {
                    Optional<Entity> now = present(key);
                    if (now.isEmpty()) {
                        before.ifPresent(entity -> remove.add(key));
                    } else if (!before.equals(now)) {
                        put.add(now.get());
                    }
                });
        changed.clear();
        return new Engine.Change(false, List.copyOf(put), List.copyOf(remove));
    }
}
