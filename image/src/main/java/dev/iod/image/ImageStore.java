package dev.iod.image;

import dev.iod.rest.Json;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.Update;
import tools.jackson.databind.node.ObjectNode;

/** The SQL of images. */
final class ImageStore {
    static final String SELECT = "SELECT * FROM image";

    /** What an image holds of the quota. */
    static final String HELD_BYTES =
            "greatest(reserved_bytes, coalesce(size_bytes, 0) + coalesce(disk_stored_bytes, 0))";

    private ImageStore() {}

    static Optional<Image> find(Handle handle, String id) {
        return handle.createQuery(SELECT + " WHERE id = :id")
                .bind("id", id)
                .map(ImageStore::map)
                .findOne();
    }

    static void insert(Handle handle, Image image) {
        write(
                handle,
                "INSERT INTO image (id, name, owner, status, visibility, protected, hidden,"
                        + " disk_format, container_format, min_disk_gib, min_ram_mib, size_bytes, md5,"
                        + " file, sha256, sha512, virtual_size_bytes, disk_size_bytes, disk_sha256,"
                        + " disk_stored_bytes, import_task, import_failed, tags, properties, created_at,"
                        + " updated_at) VALUES"
                        + " (:id, :name, :owner, :status, :visibility, :protected, :hidden, :disk,"
                        + " :container, :minDisk, :minRam, :size, :md5, :file, :sha256, :sha512,"
                        + " :virtual, :diskSize, :diskSha256, :diskStored, :importTask, :importFailed, :tags,"
                        + " CAST(:properties AS jsonb), :created, :updated)",
                image);
    }

    static void update(Handle handle, Image image) {
        write(
                handle,
                "UPDATE image SET name = :name, owner = :owner, status = :status, visibility ="
                        + " :visibility, protected = :protected, hidden = :hidden, disk_format = :disk,"
                        + " container_format = :container, min_disk_gib = :minDisk, min_ram_mib ="
                        + " :minRam, size_bytes = :size, md5 = :md5, file = :file, sha256 = :sha256,"
                        + " sha512 = :sha512, virtual_size_bytes = :virtual, disk_size_bytes ="
                        + " :diskSize, disk_sha256 = :diskSha256, disk_stored_bytes = :diskStored,"
                        + " import_task = :importTask, import_failed = :importFailed,"
                        // What a finished image takes is its size.
                        + " reserved_bytes = CASE WHEN :status IN ('saving', 'uploading',"
                        + " 'importing') THEN reserved_bytes ELSE 0 END,"
                        + " tags = :tags, properties = CAST(:properties AS jsonb),"
                        + " created_at = :created, updated_at = :updated WHERE id = :id",
                image);
    }

    static void delete(Handle handle, String id) {
        handle.execute("DELETE FROM image WHERE id = ?", id);
    }

    /** One that a backup was: its id, and its file. */
    record Rotated(String id, String file) {}

    /**
     * Makes an image the newest backup of a server, and deletes those that are too many then, but
     * not those that are protected or in use.
     */
    static List<Rotated> rotate(
            Handle handle, String image, UUID server, Images.Rotation rotation) {
        handle.execute(
                "UPDATE image SET backup_of = ?, backup_type = ? WHERE id = ?",
                server,
                rotation.backupType(),
                image);
        return handle.createQuery(
                        "DELETE FROM image WHERE id IN (SELECT id FROM image"
                                + " WHERE backup_of = :server AND backup_type = :type"
                                + " AND owner = (SELECT owner FROM image WHERE id = :image)"
                                + " ORDER BY created_at DESC, id OFFSET :kept)"
                                + " AND NOT protected AND NOT EXISTS"
                                + " (SELECT 1 FROM image_use u WHERE u.image_id = image.id)"
                                + " RETURNING id, file")
                .bind("image", image)
                .bind("type", rotation.backupType())
                .bind("server", server)
                .bind("kept", rotation.kept())
                .map((row, context) -> new Rotated(row.getString("id"), row.getString("file")))
                .list();
    }

    private static OptionalLong virtualBytes(ResultSet row) throws SQLException {
        long bytes = row.getLong("virtual_size_bytes");
        return row.wasNull() ? OptionalLong.empty() : OptionalLong.of(bytes);
    }

    private static Optional<Image.Disk> disk(ResultSet row) throws SQLException {
        String sha256 = row.getString("disk_sha256");
        return sha256 == null
                ? Optional.empty()
                : Optional.of(
                        new Image.Disk(
                                row.getLong("disk_size_bytes"),
                                sha256,
                                row.getLong("disk_stored_bytes")));
    }

    /** The files that images are made of. */
    static Set<String> files(Handle handle) {
        return new HashSet<>(
                handle.createQuery("SELECT file FROM image WHERE file IS NOT NULL")
                        .mapTo(String.class)
                        .list());
    }

    /**
     * Uploads and imports that a killed process left behind can be started again; what was staged
     * whole stays. Nodes send captures again by themselves.
     */
    static void resetUploads(Handle handle) {
        handle.execute(
                "UPDATE image SET status = 'queued', file = NULL, reserved_bytes = 0,"
                        + " import_failed = (status = 'importing' OR import_failed),"
                        + " size_bytes = NULL, md5 = NULL, sha256 = NULL, sha512 = NULL"
                        + " WHERE (status IN ('saving', 'importing')"
                        + " OR status = 'uploading' AND sha256 IS NULL)"
                        + " AND NOT EXISTS"
                        + " (SELECT 1 FROM image_capture c WHERE c.image_id = image.id)");
    }

    /** What an image takes of its project's quota, or has reserved of it. */
    static long heldBytes(Handle handle, String id) {
        return handle.createQuery("SELECT " + HELD_BYTES + " FROM image WHERE id = :id")
                .bind("id", id)
                .mapTo(Long.class)
                .one();
    }

    /** Reserves so much of the quota for an image whose bytes arrive. */
    static void reserve(Handle handle, String id, long bytes) {
        handle.execute("UPDATE image SET reserved_bytes = ? WHERE id = ?", bytes, id);
    }

    private static Optional<Image.Import> lastImport(ResultSet row) throws SQLException {
        boolean failed = row.getBoolean("import_failed");
        return Rows.optional(row, "import_task").map(task -> new Image.Import(task, failed));
    }

    private static void write(Handle handle, String sql, Image image) {
        Image.Attributes set = image.attributes();
        Optional<Image.Disk> made = image.content().flatMap(Image.Content::disk);
        OptionalLong virtual =
                image.content().map(Image.Content::virtualBytes).orElse(OptionalLong.empty());
        ObjectNode properties = Json.object();
        set.properties().forEach(properties::put);
        Update update =
                handle.createUpdate(sql)
                        .bind("id", image.id())
                        .bind("name", set.name())
                        .bind("owner", image.owner())
                        .bind("status", image.status().text())
                        .bind("visibility", set.visibility().text())
                        .bind("protected", set.isProtected())
                        .bind("hidden", set.hidden())
                        .bind("disk", set.diskFormat().orElse(null))
                        .bind("container", set.containerFormat().orElse(null))
                        .bind("minDisk", set.minDiskGib())
                        .bind("minRam", set.minRamMib())
                        .bind("size", image.content().map(Image.Content::sizeBytes).orElse(null))
                        .bind("md5", image.content().map(Image.Content::md5).orElse(null))
                        .bind("sha256", image.content().map(Image.Content::sha256).orElse(null))
                        .bind("sha512", image.content().map(Image.Content::sha512).orElse(null))
                        .bind("virtual", virtual.isPresent() ? virtual.getAsLong() : null)
                        .bind("diskSize", made.map(Image.Disk::sizeBytes).orElse(null))
                        .bind("diskSha256", made.map(Image.Disk::sha256).orElse(null))
                        .bind("diskStored", made.map(Image.Disk::storedBytes).orElse(null))
                        .bind("file", image.file().orElse(null))
                        .bind("importTask", image.lastImport().map(Image.Import::task).orElse(null))
                        .bind(
                                "importFailed",
                                image.lastImport().map(Image.Import::failed).orElse(false))
                        .bindArray("tags", String.class, set.tags())
                        .bind("properties", Json.text(properties))
                        .bind("created", image.createdAt().atOffset(ZoneOffset.UTC))
                        .bind("updated", image.updatedAt().atOffset(ZoneOffset.UTC));
        update.execute();
    }

    static Image map(ResultSet row, StatementContext context) throws SQLException {
        Image.Attributes attributes =
                new Image.Attributes(
                        row.getString("name"),
                        Image.Visibility.valueOf(
                                row.getString("visibility").toUpperCase(Locale.ROOT)),
                        row.getBoolean("protected"),
                        row.getBoolean("hidden"),
                        Rows.optional(row, "disk_format"),
                        Rows.optional(row, "container_format"),
                        row.getLong("min_disk_gib"),
                        row.getLong("min_ram_mib"),
                        Rows.texts(row, "tags"),
                        new TreeMap<>(Json.map(row.getString("properties"))));
        Image.Status status =
                Image.Status.valueOf(row.getString("status").toUpperCase(Locale.ROOT));
        Optional<Image.Content> content =
                row.getString("sha256") != null
                        ? Optional.of(
                                new Image.Content(
                                        row.getLong("size_bytes"),
                                        row.getString("md5"),
                                        row.getString("sha256"),
                                        row.getString("sha512"),
                                        virtualBytes(row),
                                        disk(row)))
                        : Optional.empty();
        return new Image(
                row.getString("id"),
                row.getString("owner"),
                status,
                attributes,
                content,
                Rows.optional(row, "file"),
                lastImport(row),
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"));
    }
}
