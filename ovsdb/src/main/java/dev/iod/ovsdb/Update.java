package dev.iod.ovsdb;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What one message of the server changed.
 *
 * @param resync the first contents, or all that differs after a reconnection; such an update may be
 *     empty, and an empty one follows it
 */
public record Update(boolean resync, List<Change> changes) {
    /** A row before and after; at least one of the two is present. */
    public record Change(String table, UUID uuid, Optional<Row> before, Optional<Row> after) {}

    /** Called in the replica's thread; must return quickly. */
    @FunctionalInterface
    public interface Listener {
        void changed(Update update);
    }
}
