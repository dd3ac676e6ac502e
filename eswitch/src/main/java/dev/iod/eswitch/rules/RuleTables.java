package dev.iod.eswitch.rules;

import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Entity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compiled rules, the classifier of each table of each scope, and which scopes each datapath has.
 * Changes are gathered first; {@link #settle} carries them into the classifiers they concern.
 */
final class RuleTables {
    private static final Classifier[] NONE = {};

    private final Map<Long, CompiledRule> rules = new HashMap<>();
    private final Map<TableKey, Classifier> classifiers = new HashMap<>();

    /** Numbers of the tables that a scope has. */
    private final Map<Integer, Set<Integer>> tables = new HashMap<>();

    private final Map<String, Map<Integer, Integer>> scopesBySet = new HashMap<>();
    private final Map<Integer, int[]> groups = new HashMap<>();
    private final Map<Integer, Set<Integer>> groupsOf = new HashMap<>();

    private final Map<TableKey, Edit> edits = new HashMap<>();

    /** A table of a scope. */
    record TableKey(int scope, int number) {
        static TableKey of(Entity.Rule rule) {
            return new TableKey(rule.scope(), number(rule.stage(), rule.table()));
        }

        private static int number(Stage stage, int table) {
            return DatapathState.tableNumber(stage, table);
        }
    }

    /** Rules that came to a table and that left it. */
    private record Edit(List<CompiledRule> added, List<CompiledRule> removed) {}

    void put(Entity.Rule rule) {
        CompiledRule compiled = CompiledRule.of(rule);
        remove(rule.id());
        rules.put(rule.id(), compiled);
        edit(rule).added().add(compiled);
        count(rule, 1);
    }

    void remove(long id) {
        CompiledRule old = rules.remove(id);
        if (old != null) {
            edit(old.rule()).removed().add(old);
            count(old.rule(), -1);
        }
    }

    private Edit edit(Entity.Rule rule) {
        return edits.computeIfAbsent(
                TableKey.of(rule), key -> new Edit(new ArrayList<>(), new ArrayList<>()));
    }

    /** Carries all changes into the classifiers; the tables that changed. */
    Set<TableKey> settle() {
        edits.forEach(
                (key, edit) -> {
                    Classifier old = classifiers.getOrDefault(key, Classifier.EMPTY);
                    Classifier next = old.change(edit.added(), edit.removed());
                    if (next.isEmpty()) {
                        classifiers.remove(key);
                        drop(tables, key.scope(), key.number());
                    } else {
                        classifiers.put(key, next);
                        tables.computeIfAbsent(key.scope(), s -> new TreeSet<>()).add(key.number());
                    }
                });
        Set<TableKey> changed = Set.copyOf(edits.keySet());
        edits.clear();
        return changed;
    }

    private static <K, V> void drop(Map<K, Set<V>> sets, K key, V value) {
        Set<V> set = sets.get(key);
        if (set != null && set.remove(value) && set.isEmpty()) {
            sets.remove(key);
        }
    }

    /**
     * Sets the datapaths of a group.
     *
     * @param members none to forget it
     * @return the datapaths that joined or left it
     */
    Set<Integer> group(int id, int[] members) {
        Set<Integer> joined = new HashSet<>();
        for (int member : members) {
            joined.add(member);
        }
        Set<Integer> left = new HashSet<>(datapathsOf(-id));
        Set<Integer> stay = new HashSet<>(left);
        stay.retainAll(joined);
        joined.removeAll(stay);
        left.removeAll(stay);
        joined.forEach(d -> groupsOf.computeIfAbsent(d, key -> new TreeSet<>()).add(id));
        left.forEach(d -> drop(groupsOf, d, id));
        if (members.length == 0) {
            groups.remove(id);
        } else {
            groups.put(id, members);
        }
        joined.addAll(left);
        return joined;
    }

    /** The datapaths that a scope's rules are for. */
    Set<Integer> datapathsOf(int scope) {
        if (scope >= 0) {
            return Set.of(scope);
        }
        Set<Integer> members = new HashSet<>();
        for (int member : groups.getOrDefault(-scope, new int[0])) {
            members.add(member);
        }
        return members;
    }

    /** Classifiers of a datapath by table number, highest priority first in each table. */
    Classifier[][] tablesOf(int datapath) {
        TreeSet<Integer> numbers = new TreeSet<>(tables.getOrDefault(datapath, Set.of()));
        for (int group : groupsOf.getOrDefault(datapath, Set.of())) {
            numbers.addAll(tables.getOrDefault(-group, Set.of()));
        }
        return with(new Classifier[0][], datapath, numbers);
    }

    /** A datapath's classifiers with some of its tables as they are now. */
    Classifier[][] with(Classifier[][] old, int datapath, Set<Integer> numbers) {
        if (numbers.isEmpty()) {
            return old;
        }
        int length = old.length;
        for (int number : numbers) {
            length = Math.max(length, number + 1);
        }
        Classifier[][] next = new Classifier[length][];
        for (int i = 0; i < length; i++) {
            next[i] = i < old.length ? old[i] : NONE;
        }
        for (int number : numbers) {
            next[number] = table(datapath, number);
        }
        return next;
    }

    private Classifier[] table(int datapath, int number) {
        List<Classifier> found = new ArrayList<>();
        for (int group : groupsOf.getOrDefault(datapath, Set.of())) {
            add(classifiers.get(new TableKey(-group, number)), found);
        }
        add(classifiers.get(new TableKey(datapath, number)), found);
        found.sort(Comparator.comparingInt(Classifier::maxPriority).reversed());
        return found.isEmpty() ? NONE : found.toArray(Classifier[]::new);
    }

    private static void add(@Nullable Classifier classifier, List<Classifier> to) {
        if (classifier != null) {
            to.add(classifier);
        }
    }

    Set<Integer> scopesUsing(Set<String> sets) {
        Set<Integer> scopes = new HashSet<>();
        for (String set : sets) {
            scopes.addAll(scopesBySet.getOrDefault(set, Map.of()).keySet());
        }
        return scopes;
    }

    private void count(Entity.Rule rule, int by) {
        List<String> names = new ArrayList<>();
        Predicate.setsOf(rule.match(), names);
        for (String name : names) {
            Map<Integer, Integer> scopes =
                    scopesBySet.computeIfAbsent(name, key -> new HashMap<>());
            int users = scopes.merge(rule.scope(), by, Integer::sum);
            if (users <= 0) {
                scopes.remove(rule.scope());
            }
            if (scopes.isEmpty()) {
                scopesBySet.remove(name);
            }
        }
    }
}
