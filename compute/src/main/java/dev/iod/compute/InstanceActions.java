package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.store.Rows;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** The table {@code instance_action}: what was done to servers, by whom, and how it ended. */
final class InstanceActions {
    /** How long actions of deleted servers are kept. */
    private static final int KEEP_DAYS = 30;

    private InstanceActions() {}

    /** What a user may do to a server, named as in Nova. */
    enum Kind {
        CREATE("create", "compute__do_build_and_run_instance"),
        DELETE("delete", "compute_terminate_instance"),
        START("start", "compute_start_instance"),
        STOP("stop", "compute_stop_instance"),
        REBOOT("reboot", "compute_reboot_instance"),
        ATTACH_VOLUME("attach_volume", "compute_attach_volume"),
        DETACH_VOLUME("detach_volume", "compute_detach_volume"),
        RESET_STATE("resetState", "api_reset_state");

        private final String text;
        private final String event;

        Kind(String text, String event) {
            this.text = text;
            this.event = event;
        }

        String text() {
            return text;
        }

        /** The one event Nova would show for it. */
        static String event(String text) {
            for (Kind kind : values()) {
                if (kind.text.equals(text)) {
                    return kind.event;
                }
            }
            return "compute_" + text;
        }
    }

    /**
     * A row.
     *
     * @param projectId the server's
     * @param actorProjectId the project of who did it
     * @param node where, empty for nowhere
     * @param failure why it did not succeed, for administrators
     */
    record Entry(
            long number,
            UUID serverId,
            String projectId,
            String requestId,
            String action,
            String userId,
            String actorProjectId,
            String node,
            Instant started,
            Optional<Instant> finished,
            Instant updated,
            Optional<String> failure) {}

    /** Begins an action. */
    static void begin(Handle handle, Actor actor, Server server, Kind kind) {
        handle.createUpdate(
                        "INSERT INTO instance_action (server_id, project_id, request_id, action,"
                                + " user_id, actor, node)"
                                + " VALUES (:server, :project, :request, :action, :user, :actor,"
                                + " :node)")
                .bind("server", server.id())
                .bind("project", server.projectId())
                .bind("request", actor.requestId())
                .bind("action", kind.text())
                .bind("user", actor.userId())
                .bind("actor", actor.project().orElse(""))
                .bind("node", server.node().orElse(""))
                .execute();
    }

    /** Says on which node that is which goes on with a server. */
    static void setNode(Handle handle, UUID server, String node) {
        handle.execute(
                "UPDATE instance_action SET node = ? WHERE server_id = ? AND finished_at IS NULL",
                node,
                server);
    }

    /** Ends whatever is going on with a server. */
    static void finish(Handle handle, UUID server, Optional<Failure> failure) {
        handle.createUpdate(
                        "UPDATE instance_action SET finished_at = now(), updated_at = now(),"
                                + " failure = :failure"
                                + " WHERE server_id = :server AND finished_at IS NULL")
                .bind("failure", failure.map(Failure::whole))
                .bind("server", server)
                .execute();
    }

    /** Forgets old actions of servers that are gone, so that the table stays bounded. */
    static void prune(Handle handle) {
        handle.execute(
                "DELETE FROM instance_action a WHERE started_at < now() - interval '"
                        + KEEP_DAYS
                        + " days' AND NOT EXISTS"
                        + " (SELECT 1 FROM server s WHERE s.id = a.server_id)");
    }

    /**
     * The actions of a server, newest first.
     *
     * @param marker the request id of the last one of the page before
     */
    static List<Entry> list(
            Handle handle,
            UUID server,
            int limit,
            Optional<String> marker,
            Optional<Instant> changedSince,
            Optional<Instant> changedBefore) {
        StringBuilder sql =
                new StringBuilder("SELECT * FROM instance_action WHERE server_id = :server");
        marker.ifPresent(
                ignored ->
                        sql.append(
                                " AND number < (SELECT min(number) FROM instance_action"
                                        + " WHERE server_id = :server AND request_id = :marker)"));
        changedSince.ifPresent(ignored -> sql.append(" AND updated_at >= :since"));
        changedBefore.ifPresent(ignored -> sql.append(" AND updated_at <= :before"));
        sql.append(" ORDER BY number DESC LIMIT :limit");
        Query query = handle.createQuery(sql).bind("server", server).bind("limit", limit);
        marker.ifPresent(value -> query.bind("marker", value));
        changedSince.ifPresent(value -> query.bind("since", value));
        changedBefore.ifPresent(value -> query.bind("before", value));
        return query.map((row, context) -> map(row)).list();
    }

    static Optional<Entry> find(Handle handle, UUID server, String requestId) {
        return handle.createQuery(
                        "SELECT * FROM instance_action"
                                + " WHERE server_id = :server AND request_id = :request"
                                + " ORDER BY number DESC LIMIT 1")
                .bind("server", server)
                .bind("request", requestId)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The project of a server, also of one that is gone as long as its actions are kept. */
    static Optional<String> project(Handle handle, UUID server) {
        return handle.createQuery(
                        "SELECT project_id FROM instance_action WHERE server_id = :server LIMIT 1")
                .bind("server", server)
                .mapTo(String.class)
                .findOne();
    }

    private static Entry map(java.sql.ResultSet row) throws java.sql.SQLException {
        return new Entry(
                row.getLong("number"),
                Rows.id(row, "server_id"),
                row.getString("project_id"),
                row.getString("request_id"),
                row.getString("action"),
                row.getString("user_id"),
                row.getString("actor"),
                row.getString("node"),
                Rows.time(row, "started_at"),
                Rows.optionalTime(row, "finished_at"),
                Rows.time(row, "updated_at"),
                Rows.optional(row, "failure"));
    }
}
