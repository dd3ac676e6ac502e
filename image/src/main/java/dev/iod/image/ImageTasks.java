package dev.iod.image;

import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The SQL of tasks. A project has at most {@link #MAX_ENDED} that ended. */
final class ImageTasks {
    static final String SELECT = "SELECT * FROM image_task";

    static final int MAX_ENDED = 200;

    /** As in Glance. */
    private static final Duration KEPT = Duration.ofHours(48);

    private ImageTasks() {}

    static Optional<ImageTask> find(Handle handle, String id) {
        return handle.createQuery(SELECT + " WHERE id = :id")
                .bind("id", id)
                .map(ImageTasks::map)
                .findOne();
    }

    /**
     * Its own: whoever has an image made chooses its id, and may choose that of one that is gone.
     */
    static List<ImageTask> ofImage(Handle handle, Image image) {
        return handle.createQuery(
                        SELECT
                                + " WHERE image_id = :image AND owner = :owner AND created_at >="
                                + " :created ORDER BY created_at DESC, id LIMIT 100")
                .bind("image", image.id())
                .bind("owner", image.owner())
                .bind("created", image.createdAt().atOffset(ZoneOffset.UTC))
                .map(ImageTasks::map)
                .list();
    }

    /**
     * Deletes what has expired, and what a project has too much when one more will end. In a
     * transaction of its own, for it touches tasks of every project.
     */
    static void clean(Handle handle, String owner, Instant now) {
        handle.execute("DELETE FROM image_task WHERE expires_at < ?", now.atOffset(ZoneOffset.UTC));
        handle.execute(
                "DELETE FROM image_task WHERE id IN (SELECT id FROM image_task WHERE owner = ?"
                        + " AND expires_at IS NOT NULL ORDER BY created_at DESC OFFSET ?)",
                owner,
                MAX_ENDED - 1);
    }

    /** One that is pending. */
    static void insert(Handle handle, ImageTask task) {
        handle.createUpdate(
                        "INSERT INTO image_task (id, image_id, owner, user_id, request_id, status,"
                                + " input, created_at, updated_at) VALUES (:id, :image, :owner,"
                                + " :user, :request, :status, CAST(:input AS jsonb), :now, :now)")
                .bind("id", task.id())
                .bind("image", task.imageId())
                .bind("owner", task.owner())
                .bind("user", task.userId())
                .bind("request", task.requestId())
                .bind("status", task.status().text())
                .bind("input", task.input())
                .bind("now", task.createdAt().atOffset(ZoneOffset.UTC))
                .execute();
    }

    static void begin(Handle handle, String id, Instant now) {
        handle.execute(
                "UPDATE image_task SET status = 'processing', updated_at = ? WHERE id = ?",
                now.atOffset(ZoneOffset.UTC),
                id);
    }

    /**
     * @param message why it failed; empty when it did not
     */
    static void end(Handle handle, String id, String message, Instant now) {
        handle.execute(
                "UPDATE image_task SET status = ?, message = ?, updated_at = ?, expires_at = ?"
                        + " WHERE id = ? AND expires_at IS NULL",
                message.isEmpty() ? "success" : "failure",
                message,
                now.atOffset(ZoneOffset.UTC),
                now.plus(KEPT).atOffset(ZoneOffset.UTC),
                id);
    }

    /** Those that a killed process left behind. */
    static void endAll(Handle handle, Instant now) {
        handle.execute(
                "UPDATE image_task SET status = 'failure', updated_at = ?, expires_at = ?,"
                        + " message = 'The region was started anew during the import.'"
                        + " WHERE expires_at IS NULL",
                now.atOffset(ZoneOffset.UTC),
                now.plus(KEPT).atOffset(ZoneOffset.UTC));
    }

    static ImageTask map(ResultSet row, StatementContext context) throws SQLException {
        return new ImageTask(
                row.getString("id"),
                row.getString("image_id"),
                row.getString("owner"),
                row.getString("user_id"),
                row.getString("request_id"),
                ImageTask.Status.valueOf(row.getString("status").toUpperCase(Locale.ROOT)),
                row.getString("input"),
                row.getString("message"),
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"),
                Rows.optionalTime(row, "expires_at"));
    }
}
