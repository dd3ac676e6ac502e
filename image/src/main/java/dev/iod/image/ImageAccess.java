package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.store.Where;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Who sees which images: one rule for requests, for lists and for the servers that boot from them,
 * as Glance has it. An image is seen by everybody when it is public or of the community, by its
 * owner, and when it is shared by its members, whatever they said to it.
 */
final class ImageAccess {
    private static final String MEMBER =
            "SELECT FROM image_member m WHERE m.image_id = image.id AND m.member = ?";

    /** What lists show of shared images when nothing else is asked for. */
    static final String ACCEPTED = ImageMember.Status.ACCEPTED.text();

    private ImageAccess() {}

    /** An image that the actor sees. */
    static Optional<Image> find(Handle handle, Actor actor, String id) {
        return ImageStore.find(handle, id).filter(image -> sees(handle, actor, image));
    }

    /**
     * The same.
     *
     * @throws ApiException 404 when there is none
     */
    static Image visible(Handle handle, Actor actor, String id) {
        return find(handle, actor, id).orElseThrow(() -> missing(id));
    }

    /**
     * An image that the actor may change.
     *
     * @param verb what is done to it, for the refusal
     * @throws ApiException 404 when the actor does not see it, 403 when it is another project's
     */
    static Image own(Handle handle, Actor actor, String id, String verb) {
        Image image = visible(handle, actor, id);
        if (!actor.mayAccess(image.owner())) {
            throw ApiException.forbidden("You are not permitted to %s this image.".formatted(verb));
        }
        return image;
    }

    static boolean sees(Handle handle, Actor actor, Image image) {
        return actor.isAdmin()
                || actor.project().filter(project -> sees(handle, project, image)).isPresent();
    }

    /** Whether the members of a project see it who are no administrators. */
    static boolean sees(Handle handle, String project, Image image) {
        return switch (image.attributes().visibility()) {
            case PUBLIC, COMMUNITY -> true;
            case PRIVATE -> image.owner().equals(project);
            case SHARED ->
                    image.owner().equals(project)
                            || ImageMembers.find(handle, image.id(), project).isPresent();
        };
    }

    /**
     * Which rows of the table {@code image} are in the actor's list. Those of the community are
     * there when they are asked for; those that are shared with the actor's project when the
     * project's status is the one asked for.
     *
     * @param visibility asked for, or {@code all}; empty when the request does not say
     * @param memberStatus as {@link #memberStatus} has it
     */
    static Where listed(Actor actor, Optional<String> visibility, String memberStatus) {
        Where where = Where.ALL;
        if (!actor.isAdmin()) {
            String status = memberStatus.equals("all") ? "" : " AND m.status = ?";
            String seen =
                    "visibility IN ('public', 'community') OR owner = ?"
                            + " OR visibility = 'shared' AND EXISTS (%s)"
                                    .formatted(MEMBER + status);
            String project = actor.projectId();
            where =
                    status.isEmpty()
                            ? where.and(seen, project, project)
                            : where.and(seen, project, project, memberStatus);
        }
        if (visibility.isEmpty()) {
            return where.and("visibility <> 'community' OR owner = ?", actor.projectId());
        }
        return visibility.get().equals("all")
                ? where
                : where.and("visibility = ?", ImageAttributes.visibility(visibility.get()).text());
    }

    /**
     * The parameter {@code member_status} of a list.
     *
     * @throws ApiException 400 when it is none
     */
    static String memberStatus(Optional<String> parameter) {
        String text = parameter.orElse(ACCEPTED);
        if (!text.equals("all") && ImageMember.Status.of(text).isEmpty()) {
            throw ApiException.badRequest("Invalid status: %s".formatted(text));
        }
        return text;
    }

    static ApiException missing(String id) {
        return ApiException.notFound("No image found with ID %s".formatted(id));
    }
}
