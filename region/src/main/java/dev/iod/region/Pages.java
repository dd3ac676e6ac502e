package dev.iod.region;

import dev.iod.rest.ListQuery;
import dev.iod.store.Page;

/** From the parameters of a list request to the page that is read. */
public final class Pages {
    private Pages() {}

    /** The page. */
    public static Page of(ListQuery query) {
        return new Page(
                query.limit(),
                query.marker(),
                query.sort().stream()
                        .map(sort -> new Page.Sort(sort.key(), sort.descending()))
                        .toList(),
                query.backward(),
                0);
    }
}
