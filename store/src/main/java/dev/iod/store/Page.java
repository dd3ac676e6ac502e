package dev.iod.store;

import java.util.List;
import java.util.Optional;

/**
 * Which rows of a list are wanted, in which order.
 *
 * @param limit most rows
 * @param marker id of the last row of the page before
 * @param sort keys in order; empty for the list's own order
 * @param backward whether the page before the marker is wanted
 */
public record Page(int limit, Optional<String> marker, List<Sort> sort, boolean backward) {
    /** One sort key. */
    public record Sort(String key, boolean descending) {}

    /** Copies. */
    public Page {
        sort = List.copyOf(sort);
    }
}
