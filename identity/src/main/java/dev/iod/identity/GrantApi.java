package dev.iod.identity;

import dev.iod.identity.Assignments.Assignment;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Query;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Where;
import java.util.List;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** The roles of users on projects, and {@code /v3/role_assignments}. */
final class GrantApi {
    private static final String GRANTS = "/v3/projects/{project}/users/{user}/roles";

    private final Database database;
    private final TokenService tokens;

    GrantApi(Database database, TokenService tokens) {
        this.database = database;
        this.tokens = tokens;
    }

    List<Route> routes() {
        String one = GRANTS + "/{role}";
        return List.of(
                Route.get(GRANTS, this::grants).may(Rule.ADMIN, "list_grants"),
                Route.put(one, this::grant).may(Rule.ADMIN, "create_grant"),
                Route.get(one, this::check).may(Rule.ADMIN, "check_grant"),
                Route.delete(one, this::revoke).may(Rule.ADMIN, "revoke_grant"),
                Route.get("/v3/role_assignments", this::assignments)
                        .may(Rule.ADMIN, "list_role_assignments"));
    }

    private Response grants(Request request) {
        List<Role> roles =
                database.read(
                        handle -> {
                            checkParties(handle, request);
                            return Assignments.rolesOn(
                                    handle,
                                    request.pathParameter("user"),
                                    request.pathParameter("project"));
                        });
        return KeystoneStyle.all(request, "roles", roles, Role.VIEW);
    }

    private Response grant(Request request) {
        database.run(
                handle -> {
                    checkParties(handle, request);
                    String role = request.pathParameter("role");
                    if (Role.TABLE.first(handle, Role.TABLE.is(role)).isEmpty()) {
                        throw missing("role", role);
                    }
                    Assignments.assign(
                            handle,
                            request.pathParameter("user"),
                            request.pathParameter("project"),
                            role);
                    audit(handle, request, "grant role");
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    private Response check(Request request) {
        boolean held =
                database.read(
                        handle ->
                                Assignments.rolesOn(
                                                handle,
                                                request.pathParameter("user"),
                                                request.pathParameter("project"))
                                        .stream()
                                        .anyMatch(
                                                role ->
                                                        role.id()
                                                                .equals(
                                                                        request.pathParameter(
                                                                                "role"))));
        if (!held) {
            throw missingGrant(request);
        }
        return Response.empty(204);
    }

    private Response revoke(Request request) {
        database.run(
                handle -> {
                    boolean removed =
                            Assignments.unassign(
                                    handle,
                                    request.pathParameter("user"),
                                    request.pathParameter("project"),
                                    request.pathParameter("role"));
                    if (!removed) {
                        throw missingGrant(request);
                    }
                    audit(handle, request, "revoke role");
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    private Response assignments(Request request) {
        Query query = request.query();
        boolean names = query.flag("include_names").orElse(false);
        List<Assignment> found =
                database.read(
                        handle ->
                                Assignments.list(
                                        handle,
                                        Where.ALL
                                                .in("u.id", query.all("user.id"))
                                                .in("p.id", query.all("scope.project.id"))
                                                .in("r.id", query.all("role.id"))));
        return KeystoneStyle.all(
                request,
                "role_assignments",
                found.stream().map(one -> assignment(request, one, names)).toList());
    }

    private static ObjectNode assignment(Request request, Assignment assignment, boolean names) {
        ObjectNode view = Json.object();
        ObjectNode role = view.putObject("role").put("id", assignment.roleId());
        ObjectNode user = view.putObject("user").put("id", assignment.accountId());
        ObjectNode project =
                view.putObject("scope").putObject("project").put("id", assignment.projectId());
        if (names) {
            role.put("name", assignment.roleName());
            user.put("name", assignment.accountName()).set("domain", Domain.reference());
            project.put("name", assignment.projectName()).set("domain", Domain.reference());
        }
        view.putObject("links")
                .put(
                        "assignment",
                        "%s/identity/v3/projects/%s/users/%s/roles/%s"
                                .formatted(
                                        request.baseUrl(),
                                        assignment.projectId(),
                                        assignment.accountId(),
                                        assignment.roleId()));
        return view;
    }

    private static void checkParties(Handle handle, Request request) {
        String project = request.pathParameter("project");
        String user = request.pathParameter("user");
        if (Project.find(handle, project).isEmpty()) {
            throw missing("project", project);
        }
        if (Account.find(handle, user).isEmpty()) {
            throw missing("user", user);
        }
    }

    private static void audit(Handle handle, Request request, String action) {
        Audit.record(
                handle,
                Actor.of(request),
                action,
                "%s of %s on %s"
                        .formatted(
                                request.pathParameter("role"),
                                request.pathParameter("user"),
                                request.pathParameter("project")));
    }

    private static ApiException missing(String kind, String id) {
        return ApiException.notFound("Could not find %s: %s.".formatted(kind, id));
    }

    private static ApiException missingGrant(Request request) {
        return ApiException.notFound(
                "Could not find role assignment with role: %s, user or group: %s, project, domain, or system: %s."
                        .formatted(
                                request.pathParameter("role"),
                                request.pathParameter("user"),
                                request.pathParameter("project")));
    }
}
