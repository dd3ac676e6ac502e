package dev.iod.region;

import dev.iod.rest.ApiException;
import dev.iod.rest.Caller;
import dev.iod.rest.Request;
import java.util.Optional;
import java.util.Set;

/**
 * Who does something to the region's resources, and in answer to which request. Services know their
 * callers by this and nothing of HTTP, so that reconcilers may be actors too.
 *
 * @param requestId written down with what was done
 * @param project empty without one; routes that need the role reader or member have one always
 * @param roles names of the roles held on the project, with those they imply
 */
public record Actor(String requestId, String userId, Optional<String> project, Set<String> roles) {
    /** Copies the roles. */
    public Actor {
        roles = Set.copyOf(roles);
    }

    /** Whoever made a request. */
    public static Actor of(Request request) {
        Caller caller = request.caller();
        return new Actor(request.id(), caller.userId(), caller.project(), caller.roles());
    }

    /** Whether this is an administrator of the region. */
    public boolean isAdmin() {
        return roles.contains("admin");
    }

    /**
     * The project acted for.
     *
     * @throws ApiException 403 without one
     */
    public String projectId() {
        return project.orElseThrow(() -> ApiException.forbidden(Caller.UNSCOPED));
    }

    /** Whether a resource of that project may be seen: one's own, or any for an administrator. */
    public boolean mayAccess(String projectId) {
        return isAdmin() || project.filter(projectId::equals).isPresent();
    }
}
