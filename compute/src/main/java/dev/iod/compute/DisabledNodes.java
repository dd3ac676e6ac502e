package dev.iod.compute;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The table {@code disabled_node}: nodes that take no new servers; those they have stay. */
final class DisabledNodes {
    private DisabledNodes() {}

    /** The reasons by node; empty where none was given. */
    static Map<String, String> reasons(Handle handle) {
        Map<String, String> reasons = new HashMap<>();
        handle.createQuery("SELECT node, coalesce(reason, '') AS reason FROM disabled_node")
                .map((row, context) -> Map.entry(row.getString("node"), row.getString("reason")))
                .forEach(entry -> reasons.put(entry.getKey(), entry.getValue()));
        return reasons;
    }

    /**
     * Lets a node take new servers or not.
     *
     * @return false when there is no such node
     */
    static boolean set(Handle handle, String node, boolean enabled, Optional<String> reason) {
        boolean known =
                handle.createQuery("SELECT EXISTS (SELECT 1 FROM node WHERE name = :node)")
                        .bind("node", node)
                        .mapTo(Boolean.class)
                        .one();
        if (known && enabled) {
            handle.execute("DELETE FROM disabled_node WHERE node = ?", node);
        } else if (known) {
            handle.createUpdate(
                            "INSERT INTO disabled_node (node, reason) VALUES (:node, :reason)"
                                    + " ON CONFLICT (node) DO UPDATE SET reason = excluded.reason")
                    .bind("node", node)
                    .bind("reason", reason)
                    .execute();
        }
        return known;
    }
}
