package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/** Rows of one table by something they say, kept row by row. */
final class Index<K> {
    private final Function<Row, Optional<K>> key;
    private final Map<K, Map<UUID, Row>> rows = new HashMap<>();

    Index(Function<Row, Optional<K>> key) {
        this.key = key;
    }

    void change(Optional<Row> before, Optional<Row> after) {
        before.ifPresent(this::remove);
        after.ifPresent(this::add);
    }

    private void remove(Row row) {
        Optional<K> of = key.apply(row);
        of.ifPresent(
                k -> {
                    Map<UUID, Row> found = rows.get(k);
                    if (found != null && found.remove(row.uuid()) != null && found.isEmpty()) {
                        rows.remove(k);
                    }
                });
    }

    private void add(Row row) {
        key.apply(row)
                .ifPresent(
                        k ->
                                rows.computeIfAbsent(k, n -> new LinkedHashMap<>(2))
                                        .put(row.uuid(), row));
    }

    Collection<Row> of(K value) {
        Map<UUID, Row> found = rows.get(value);
        return found == null ? List.of() : found.values();
    }

    Optional<Row> first(K value) {
        return of(value).stream().findFirst();
    }
}
