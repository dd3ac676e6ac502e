package dev.iod.store;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/**
 * Conditions that rows must all meet. The conditions are the service's own text with {@code ?} for
 * each value; values are bound.
 */
public record Where(List<String> conditions, List<Object> values) {
    /** Every row. */
    public static final Where ALL = new Where(List.of(), List.of());

    /** Copies. */
    public Where {
        conditions = List.copyOf(conditions);
        values = List.copyOf(values);
    }

    /** Rows that meet one condition. */
    public static Where of(String condition, Object... bound) {
        return ALL.and(condition, bound);
    }

    /** Those of these rows that meet one more condition. */
    public Where and(String condition, Object... bound) {
        return and(new Where(List.of("(" + condition + ")"), List.of(bound)));
    }

    /** Those of these rows that meet the other conditions too. */
    public Where and(Where other) {
        List<String> allConditions = new ArrayList<>(conditions);
        allConditions.addAll(other.conditions());
        List<Object> allValues = new ArrayList<>(values);
        allValues.addAll(other.values());
        return new Where(allConditions, allValues);
    }

    /** Those of these rows where the expression is one of the values; no values, no condition. */
    public Where in(String expression, Collection<?> allowed) {
        return allowed.isEmpty()
                ? this
                : and(
                        expression
                                + " IN ("
                                + String.join(",", Collections.nCopies(allowed.size(), "?"))
                                + ")",
                        allowed.toArray());
    }

    /** The clause with a blank before it; empty without conditions. */
    String clause() {
        return conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions);
    }
}
