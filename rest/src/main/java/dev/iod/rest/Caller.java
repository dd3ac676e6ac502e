package dev.iod.rest;

import java.util.Optional;
import java.util.Set;

/**
 * Who makes a request: what a valid token says.
 *
 * @param project empty for an unscoped token
 * @param roles names of the roles held on the project, with those they imply
 */
public record Caller(String userId, Optional<String> project, Set<String> roles) {
    /** What is said to a caller without a project where one is needed. */
    public static final String UNSCOPED = "This request needs a token that is scoped to a project.";

    /** Copies the roles. */
    public Caller {
        roles = Set.copyOf(roles);
    }

    /** Whether this caller is an administrator of the region. */
    public boolean isAdmin() {
        return roles.contains("admin");
    }

    /**
     * The project the token is scoped to. Routes that need the role reader or member have one
     * always.
     *
     * @throws ApiException 403 for an unscoped token
     */
    public String projectId() {
        return project.orElseThrow(() -> ApiException.forbidden(UNSCOPED));
    }

    /** Whether a resource of that project may be seen: one's own, or any for an administrator. */
    public boolean mayAccess(String projectId) {
        return isAdmin() || (project.isPresent() && project.get().equals(projectId));
    }
}
