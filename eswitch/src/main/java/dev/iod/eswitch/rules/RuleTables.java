package dev.iod.eswitch.rules;

import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Entity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Compiled rules by scope, stage and table, and the classifier of each such table. */
final class RuleTables {
    private final Map<TableKey, Map<Long, CompiledRule>> rules = new HashMap<>();
    private final Map<Integer, Map<Integer, Classifier>> classifiers = new HashMap<>();
    private final Map<String, Map<Integer, Integer>> scopesBySet = new HashMap<>();

    record TableKey(int scope, Stage stage, int table) {
        static TableKey of(Entity.Rule rule) {
            return new TableKey(rule.scope(), rule.stage(), rule.table());
        }

        int number() {
            return DatapathState.tableNumber(stage, table);
        }
    }

    void put(CompiledRule rule) {
        rules.computeIfAbsent(TableKey.of(rule.rule()), key -> new LinkedHashMap<>())
                .put(rule.rule().id(), rule);
        count(rule.rule(), 1);
    }

    void remove(Entity.Rule rule) {
        Map<Long, CompiledRule> table = rules.get(TableKey.of(rule));
        if (table != null && table.remove(rule.id()) != null) {
            count(rule, -1);
        }
    }

    /** Makes the classifiers of the tables that changed anew. */
    void rebuild(Set<TableKey> changed) {
        for (TableKey key : changed) {
            Map<Long, CompiledRule> table = rules.get(key);
            Map<Integer, Classifier> scope =
                    classifiers.computeIfAbsent(key.scope(), s -> new HashMap<>());
            if (table == null || table.isEmpty()) {
                rules.remove(key);
                scope.remove(key.number());
            } else {
                scope.put(key.number(), Classifier.of(table.values()));
            }
            if (scope.isEmpty()) {
                classifiers.remove(key.scope());
            }
        }
    }

    /** Classifiers by table number of all the scopes, highest priority first in each table. */
    Map<Integer, Classifier[]> tablesOf(List<Integer> scopes) {
        Map<Integer, List<Classifier>> lists = new HashMap<>();
        for (int scope : scopes) {
            classifiers
                    .getOrDefault(scope, Map.of())
                    .forEach(
                            (number, classifier) ->
                                    lists.computeIfAbsent(number, key -> new ArrayList<>())
                                            .add(classifier));
        }
        Map<Integer, Classifier[]> tables = new HashMap<>();
        lists.forEach(
                (number, list) -> {
                    list.sort(Comparator.comparingInt(Classifier::maxPriority).reversed());
                    tables.put(number, list.toArray(Classifier[]::new));
                });
        return tables;
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
