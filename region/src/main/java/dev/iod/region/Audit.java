package dev.iod.region;

import org.jdbi.v3.core.Handle;

/** Who changed what: one row per change, written in the change's own transaction. */
public final class Audit {
    private Audit() {}

    /**
     * Records a change.
     *
     * @param action verb and kind, such as {@code create server}
     * @param target id of what was changed
     */
    public static void record(Handle handle, Actor actor, String action, String target) {
        handle.createUpdate(
                        "INSERT INTO audit (request_id, user_id, project_id, action, target)"
                                + " VALUES (:request, :user, :project, :action, :target)")
                .bind("request", actor.requestId())
                .bind("user", actor.userId())
                .bind("project", actor.project().orElse(null))
                .bind("action", action)
                .bind("target", target)
                .execute();
    }
}
