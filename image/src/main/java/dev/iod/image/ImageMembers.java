package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.store.Database;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * The members of shared images. The image's owner says who is one, and the member whether it wants
 * the image in its lists.
 */
final class ImageMembers {
    /** Of one image. */
    static final int MAX_MEMBERS = 128;

    private static final String ONLY_SHARED = "Only shared images have members.";
    private static final String SELECT = "SELECT * FROM image_member WHERE image_id = :image";

    private final Database database;
    private final Clock clock;

    ImageMembers(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    static Optional<ImageMember> find(Handle handle, String image, String member) {
        return handle.createQuery(SELECT + " AND member = :member")
                .bind("image", image)
                .bind("member", member)
                .map(ImageMembers::map)
                .findOne();
    }

    /** All of them for the owner, its own membership for a member. */
    List<ImageMember> list(Actor actor, String id) {
        return database.read(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    if (!shared(image)) {
                        throw ApiException.forbidden(
                                "Not allowed to list members for image %s: %s"
                                        .formatted(id, ONLY_SHARED));
                    }
                    return seen(handle, actor, image);
                });
    }

    /**
     * @throws ApiException 404 for memberships of others, and of images that are not shared
     */
    ImageMember show(Actor actor, String id, String member) {
        return database.read(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    if (!shared(image)) {
                        throw ApiException.notFound(ONLY_SHARED);
                    }
                    return seen(handle, actor, image, member);
                });
    }

    /**
     * @throws ApiException 409 when it is one already, 413 beyond {@link #MAX_MEMBERS}
     */
    ImageMember add(Actor actor, String id, String project) {
        return database.transaction(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    if (!shared(image) || !actor.mayAccess(image.owner())) {
                        throw refused("create", image);
                    }
                    if (find(handle, id, project).isPresent()) {
                        throw ApiException.conflict(
                                "Member %s is duplicated for image %s".formatted(project, id));
                    }
                    if (all(handle, id).size() >= MAX_MEMBERS) {
                        throw new ApiException(
                                Fault.TOO_LARGE,
                                "Image member limit exceeded for image %s: it has %d, and at most"
                                                .formatted(id, MAX_MEMBERS)
                                        + " %d are taken.".formatted(MAX_MEMBERS));
                    }
                    Instant now = now();
                    ImageMember member =
                            new ImageMember(id, project, ImageMember.Status.PENDING, now, now);
                    handle.execute(
                            "INSERT INTO image_member (image_id, member, status, created_at,"
                                    + " updated_at) VALUES (?, ?, ?, ?, ?)",
                            id,
                            project,
                            member.status().text(),
                            now.atOffset(ZoneOffset.UTC),
                            now.atOffset(ZoneOffset.UTC));
                    Audit.record(handle, actor, "share image", id);
                    return member;
                });
    }

    /** The image's owner has no say in it; an administrator has. */
    ImageMember answer(Actor actor, String id, String project, String status) {
        return database.transaction(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    boolean owner = actor.project().filter(image.owner()::equals).isPresent();
                    if (!shared(image) || owner && !actor.isAdmin()) {
                        throw refused("update", image);
                    }
                    ImageMember old = seen(handle, actor, image, project);
                    ImageMember.Status wanted =
                            ImageMember.Status.of(status)
                                    .orElseThrow(
                                            () ->
                                                    ApiException.badRequest(
                                                            ("Incorrect request: Status must be"
                                                                            + " one of pending, accepted,"
                                                                            + " rejected; not '%s'.")
                                                                    .formatted(status)));
                    ImageMember member =
                            new ImageMember(id, project, wanted, old.createdAt(), now());
                    handle.execute(
                            "UPDATE image_member SET status = ?, updated_at = ? WHERE image_id = ?"
                                    + " AND member = ?",
                            wanted.text(),
                            member.updatedAt().atOffset(ZoneOffset.UTC),
                            id,
                            project);
                    Audit.record(handle, actor, "answer to shared image", id);
                    return member;
                });
    }

    void remove(Actor actor, String id, String project) {
        database.run(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    if (!shared(image) || !actor.mayAccess(image.owner())) {
                        throw refused("delete", image);
                    }
                    seen(handle, actor, image, project);
                    handle.execute(
                            "DELETE FROM image_member WHERE image_id = ? AND member = ?",
                            id,
                            project);
                    Audit.record(handle, actor, "unshare image", id);
                });
    }

    private static boolean shared(Image image) {
        return image.attributes().visibility() == Image.Visibility.SHARED;
    }

    private static ApiException refused(String verb, Image image) {
        return ApiException.forbidden(
                "Not allowed to %s members for image %s.%s"
                        .formatted(verb, image.id(), shared(image) ? "" : " " + ONLY_SHARED));
    }

    private static List<ImageMember> all(Handle handle, String image) {
        return handle.createQuery(SELECT + " ORDER BY created_at, member")
                .bind("image", image)
                .map(ImageMembers::map)
                .list();
    }

    private static List<ImageMember> seen(Handle handle, Actor actor, Image image) {
        return all(handle, image.id()).stream()
                .filter(one -> actor.mayAccess(image.owner()) || actor.mayAccess(one.member()))
                .toList();
    }

    private static ImageMember seen(Handle handle, Actor actor, Image image, String project) {
        return find(handle, image.id(), project)
                .filter(one -> actor.mayAccess(image.owner()) || actor.mayAccess(one.member()))
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        "%s not found in the member list of the image %s."
                                                .formatted(project, image.id())));
    }

    private static ImageMember map(ResultSet row, StatementContext context) throws SQLException {
        return new ImageMember(
                row.getString("image_id"),
                row.getString("member"),
                ImageMember.Status.valueOf(row.getString("status").toUpperCase(Locale.ROOT)),
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"));
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }
}
