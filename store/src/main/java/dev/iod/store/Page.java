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
 * @param offset rows to skip; for the API that has it in place of a marker
 */
public record Page(
        int limit, Optional<String> marker, List<Sort> sort, boolean backward, int offset) {
    /** One sort key. */
    public record Sort(String key, boolean descending) {}

    /** Copies. */
    public Page {
        sort = List.copyOf(sort);
    }

    /** The first rows, in the list's own order. */
    public static Page first(int limit) {
        return new Page(limit, Optional.empty(), List.of(), false, 0);
    }

    /** As many rows after that many others. */
    public Page from(int skipped) {
        return new Page(limit, marker, sort, backward, skipped);
    }
}
