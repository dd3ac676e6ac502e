package dev.iod.store;

import java.util.List;
import java.util.function.Function;

/**
 * A page of a list.
 *
 * @param more whether there may be rows after these: as many as were asked for are here, or as many
 *     as a page can hold
 */
public record Listed<T>(List<T> rows, boolean more) {
    /** Copies the rows. */
    public Listed {
        rows = List.copyOf(rows);
    }

    /** The same page of something else. */
    public <U> Listed<U> map(Function<T, U> view) {
        return new Listed<>(rows.stream().map(view).toList(), more);
    }
}
