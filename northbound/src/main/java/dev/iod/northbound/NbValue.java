package dev.iod.northbound;

import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a column of a northbound row shall hold. */
sealed interface NbValue {
    record Text(String value) implements NbValue {}

    record Flag(boolean value) implements NbValue {}

    record Whole(long value) implements NbValue {}

    record Texts(SortedSet<String> values) implements NbValue {}

    record Pairs(SortedMap<String, String> values) implements NbValue {}

    /** Some keys of a map are the region's, present or not; others are left to the operator. */
    record OwnedPairs(SortedMap<String, String> values, Set<String> keys) implements NbValue {
        /** What the map shall hold, given what it holds. */
        SortedMap<String, String> over(Map<String, String> existing) {
            var merged = new TreeMap<>(existing);
            merged.keySet().removeAll(keys);
            merged.putAll(values);
            return merged;
        }
    }

    /** Other rows of the plan; the column holds these and nothing else. */
    record References(NbTable table, SortedSet<String> keys) implements NbValue {}

    static NbValue texts(Set<String> values) {
        return new Texts(new TreeSet<>(values));
    }

    static NbValue pairs(Map<String, String> values) {
        return new Pairs(new TreeMap<>(values));
    }

    static NbValue references(NbTable table, Set<String> keys) {
        return new References(table, new TreeSet<>(keys));
    }
}
