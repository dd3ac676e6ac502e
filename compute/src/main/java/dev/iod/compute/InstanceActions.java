package dev.iod.compute;

import dev.iod.region.Actor;
import dev.iod.region.NodeGoals;
import dev.iod.store.Rows;
import java.time.Instant;
import java.util.Arrays;
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
        PAUSE("pause", "compute_pause_instance"),
        UNPAUSE("unpause", "compute_unpause_instance"),
        RESCUE("rescue", "compute_rescue_instance"),
        UNRESCUE("unrescue", "compute_unrescue_instance"),
        REBUILD("rebuild", "compute_rebuild_instance"),
        RESIZE("resize", "compute_finish_resize"),
        CONFIRM_RESIZE("confirmResize", "compute_confirm_resize"),
        REVERT_RESIZE("revertResize", "compute_finish_revert_resize"),
        LOCK("lock", "api_lock"),
        UNLOCK("unlock", "api_unlock"),
        ATTACH_INTERFACE("attach_interface", "compute_attach_interface"),
        DETACH_INTERFACE("detach_interface", "compute_detach_interface"),
        ATTACH_VOLUME("attach_volume", "compute_attach_volume"),
        DETACH_VOLUME("detach_volume", "compute_detach_volume"),
        CREATE_IMAGE("createImage", "compute_snapshot_instance"),
        CREATE_BACKUP("createBackup", "compute_backup_instance"),
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

        /** Whether it is over when a device is gone. */
        boolean takesDevice() {
            return this == DETACH_VOLUME || this == DETACH_INTERFACE;
        }

        private static Kind of(String text) {
            return Arrays.stream(values())
                    .filter(kind -> kind.text.equals(text))
                    .findFirst()
                    .orElseThrow();
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

    /**
     * An action that waits for a device of a server's machine.
     *
     * @param goalRevision of the node's goal that carries it
     */
    record OfDevice(long number, UUID serverId, Kind kind, String deviceId, long goalRevision) {}

    /**
     * Begins one that is over when the server's machine has a device, or has given it back. What
     * the node is told of it is in the node's goal already.
     *
     * @param deviceId of a volume or port
     */
    static void begin(Handle handle, Actor actor, Server server, Kind kind, String deviceId) {
        begin(handle, actor, server, kind);
        handle.createUpdate(
                        "UPDATE instance_action SET device_id = :device, goal_revision = :revision"
                                + " WHERE number = (SELECT max(number) FROM instance_action"
                                + " WHERE server_id = :server)")
                .bind("device", deviceId)
                .bind("revision", NodeGoals.revision(handle, server.node().orElseThrow()))
                .bind("server", server.id())
                .execute();
    }

    /** Those of a node's servers that wait for devices, in the order they were asked for. */
    static List<OfDevice> ofDevices(Handle handle, String node) {
        return handle.createQuery(
                        "SELECT a.number, a.server_id, a.action, a.device_id, a.goal_revision"
                                + " FROM instance_action a JOIN server s ON s.id = a.server_id"
                                + " WHERE s.node = :node AND a.finished_at IS NULL"
                                + " AND a.device_id IS NOT NULL ORDER BY a.number")
                .bind("node", node)
                .map(
                        (row, context) ->
                                new OfDevice(
                                        row.getLong("number"),
                                        Rows.id(row, "server_id"),
                                        Kind.of(row.getString("action")),
                                        row.getString("device_id"),
                                        row.getLong("goal_revision")))
                .list();
    }

    /** One is over, and with it what was asked of the same device before. */
    static void finish(Handle handle, OfDevice action) {
        handle.execute(
                "UPDATE instance_action SET finished_at = now(), updated_at = now() WHERE"
                        + " server_id = ? AND device_id = ? AND number <= ?"
                        + " AND finished_at IS NULL",
                action.serverId(),
                action.deviceId(),
                action.number());
    }

    /** Writes down one that is over at once; what else goes on with the server goes on. */
    static void done(Handle handle, Actor actor, Server server, Kind kind) {
        begin(handle, actor, server, kind);
        handle.execute(
                "UPDATE instance_action SET finished_at = started_at WHERE number ="
                        + " (SELECT max(number) FROM instance_action WHERE server_id = ?)",
                server.id());
    }

    /** Says on which node that is which goes on with a server. */
    static void setNode(Handle handle, UUID server, String node) {
        handle.execute(
                "UPDATE instance_action SET node = ? WHERE server_id = ? AND finished_at IS NULL",
                node,
                server);
    }

    /** Ends whatever is going on with a server as a whole. */
    static void finish(Handle handle, UUID server, Optional<Failure> failure) {
        finish(handle, server, failure, " AND device_id IS NULL");
    }

    /** The server is gone: so is what its devices waited for. */
    static void finishAll(Handle handle, UUID server) {
        finish(handle, server, Optional.empty(), "");
    }

    private static void finish(
            Handle handle, UUID server, Optional<Failure> failure, String condition) {
        handle.createUpdate(
                        "UPDATE instance_action SET finished_at = now(), updated_at = now(),"
                                + " failure = :failure"
                                + " WHERE server_id = :server AND finished_at IS NULL"
                                + condition)
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
