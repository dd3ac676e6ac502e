package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * The content of a node's disk on its way to become an image: a row of table {@code image_capture}.
 *
 * @param id of the upload that its image waits for, and of the room it takes of its node
 * @param owner the image's
 * @param consumer the server or volume whose disk it is
 * @param goalRevision of the node's goal that names it
 * @param asker without roles
 */
record ImageCapture(
        UUID id,
        String imageId,
        String owner,
        UUID consumer,
        String node,
        String diskId,
        long sizeBytes,
        State state,
        long goalRevision,
        Optional<Images.Rotation> rotation,
        Actor asker) {
    private static final String SELECT =
            "SELECT c.*, i.owner FROM image_capture c JOIN image i ON i.id = c.image_id WHERE c.";

    /** How far it is. */
    enum State {
        /** Its node shall take it. */
        ASKED,
        /** Its node has it. */
        TAKEN,
        /** It is being sent. */
        ARRIVING;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    String upload() {
        return id.toString();
    }

    void insert(Handle handle) {
        handle.createUpdate(
                        "INSERT INTO image_capture (id, image_id, consumer, node, disk_id, size_bytes,"
                                + " state, goal_revision, backup_type, rotation, request_id, user_id,"
                                + " project_id) VALUES (:id, :image, :consumer, :node, :disk,"
                                + " :size, :state, :revision, :type, :rotation, :request, :user,"
                                + " :project)")
                .bind("id", id)
                .bind("image", imageId)
                .bind("consumer", consumer)
                .bind("node", node)
                .bind("disk", diskId)
                .bind("size", sizeBytes)
                .bind("state", state.text())
                .bind("revision", goalRevision)
                .bind("type", rotation.map(Images.Rotation::backupType).orElse(null))
                .bind("rotation", rotation.map(Images.Rotation::kept).orElse(null))
                .bind("request", asker.requestId())
                .bind("user", asker.userId())
                .bind("project", asker.project().orElse(null))
                .execute();
    }

    static Optional<ImageCapture> find(Handle handle, UUID id) {
        return one(handle, "id = :value", id);
    }

    /** The same, locked until the end of the transaction; lock its consumer first. */
    static Optional<ImageCapture> lock(Handle handle, UUID id) {
        return one(handle, "id = :value FOR UPDATE OF c", id);
    }

    static Optional<ImageCapture> ofImage(Handle handle, String image) {
        return one(handle, "image_id = :value", image);
    }

    static Optional<ImageCapture> ofConsumer(Handle handle, UUID consumer) {
        return one(handle, "consumer = :value FOR UPDATE OF c", consumer);
    }

    static List<ImageCapture> onNode(Handle handle, String node) {
        return handle.createQuery(SELECT + "node = :node ORDER BY c.created_at, c.id")
                .bind("node", node)
                .map(ImageCapture::map)
                .list();
    }

    void setState(Handle handle, State next) {
        handle.execute("UPDATE image_capture SET state = ? WHERE id = ?", next.text(), id);
    }

    void delete(Handle handle) {
        handle.execute("DELETE FROM image_capture WHERE id = ?", id);
    }

    private static Optional<ImageCapture> one(Handle handle, String condition, Object value) {
        return handle.createQuery(SELECT + condition)
                .bind("value", value)
                .map(ImageCapture::map)
                .findOne();
    }

    private static ImageCapture map(ResultSet row, StatementContext context) throws SQLException {
        int kept = row.getInt("rotation");
        return new ImageCapture(
                Rows.id(row, "id"),
                row.getString("image_id"),
                row.getString("owner"),
                Rows.id(row, "consumer"),
                row.getString("node"),
                row.getString("disk_id"),
                row.getLong("size_bytes"),
                State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                row.getLong("goal_revision"),
                Rows.optional(row, "backup_type").map(type -> new Images.Rotation(type, kept)),
                new Actor(
                        row.getString("request_id"),
                        row.getString("user_id"),
                        Rows.optional(row, "project_id"),
                        Set.of()));
    }
}
