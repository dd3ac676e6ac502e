package dev.iod.store;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Values for some columns of a row. The names are the service's own text. */
public final class Columns {
    private final Map<String, Object> values = new LinkedHashMap<>();

    /** No column yet. */
    public Columns() {}

    /**
     * Gives a column a value.
     *
     * @param value an empty {@link Optional} for NULL; a map of strings for a column of JSON
     */
    public Columns set(String column, Object value) {
        values.put(column, value);
        return this;
    }

    /** Gives a column a value if there is one; else the column stays as it is. */
    public Columns change(String column, Optional<?> value) {
        value.ifPresent(given -> values.put(column, given));
        return this;
    }

    /**
     * The value of a column as text.
     *
     * @throws IllegalArgumentException when it has been given none
     */
    public String text(String column) {
        Object value = values.get(column);
        if (value == null) {
            throw new IllegalArgumentException("no value for the column " + column);
        }
        return value.toString();
    }

    /** Whether no column has been given a value. */
    public boolean isEmpty() {
        return values.isEmpty();
    }

    /** Column → value, in the order in which they were given. */
    Map<String, Object> values() {
        return values;
    }
}
