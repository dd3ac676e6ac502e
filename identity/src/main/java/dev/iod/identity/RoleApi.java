package dev.iod.identity;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v3/roles}, {@code /v3/role_assignments} and the roles of users on projects. */
final class RoleApi {
    private static final String GRANT = "/v3/projects/{project}/users/{user}/roles";
    private static final int MAX_NAME = 255;
    private static final int MAX_TEXT = 65_535;

    private final Database database;
    private final TokenService tokens;

    RoleApi(Database database, TokenService tokens) {
        this.database = database;
        this.tokens = tokens;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v3/roles", this::create).may(Rule.ADMIN, "create_role"),
                Route.get("/v3/roles", this::list).may(Rule.ADMIN, "list_roles"),
                Route.get("/v3/roles/{id}", this::show).may(Rule.ADMIN, "get_role"),
                Route.patch("/v3/roles/{id}", this::update).may(Rule.ADMIN, "update_role"),
                Route.delete("/v3/roles/{id}", this::delete).may(Rule.ADMIN, "delete_role"),
                Route.get(GRANT, this::grants).may(Rule.ADMIN, "list_grants"),
                Route.put(GRANT + "/{role}", this::grant).may(Rule.ADMIN, "create_grant"),
                Route.get(GRANT + "/{role}", this::check).may(Rule.ADMIN, "check_grant"),
                Route.delete(GRANT + "/{role}", this::revoke).may(Rule.ADMIN, "revoke_grant"),
                Route.get("/v3/role_assignments", this::assignments)
                        .may(Rule.ADMIN, "list_role_assignments"));
    }

    private Response create(Request request) {
        Fields body = request.body("role");
        Role role =
                new Role(
                        Ids.random(),
                        Names.of(body, MAX_NAME),
                        body.optionalString("description", MAX_TEXT).orElse(""));
        checkFixed(body);
        body.end();
        return database.transaction(
                handle -> {
                    checkName(handle, role.name());
                    IdentityStore.insert(handle, role);
                    Audit.record(handle, Actor.of(request), "create role", role.id());
                    return Views.one(201, "role", Views.role(request, role));
                });
    }

    private static void checkFixed(Fields body) {
        if (body.optionalString("domain_id", 64).isPresent()) {
            throw ApiException.badRequest("Roles belong to no domain here.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
    }

    private static void checkName(Handle handle, String name) {
        if (!IdentityStore.rolesByName(handle, List.of(name)).isEmpty()) {
            throw ApiException.conflict(
                    "Conflict occurred attempting to store role - Duplicate entry found with name %s."
                            .formatted(name));
        }
    }

    private Response list(Request request) {
        ListQuery query = request.list();
        Listed<Role> roles =
                database.read(
                        handle -> IdentityStore.roles(handle, query, request.query().all("name")));
        return Views.page(request, "roles", roles.map(role -> Views.role(request, role)));
    }

    private Response show(Request request) {
        Role role = database.read(handle -> role(handle, request.pathParameter("id")));
        return Views.one(200, "role", Views.role(request, role));
    }

    private Response update(Request request) {
        String id = request.pathParameter("id");
        Fields body = request.body("role");
        Optional<String> name =
                body.has("name") ? Optional.of(Names.of(body, MAX_NAME)) : Optional.empty();
        Optional<String> description = body.optionalString("description", MAX_TEXT);
        checkFixed(body);
        body.end();
        Response response =
                database.transaction(
                        handle -> {
                            Role old = role(handle, id);
                            Role changed =
                                    new Role(
                                            id,
                                            name.orElse(old.name()),
                                            description.orElse(old.description()));
                            if (!changed.name().equals(old.name())) {
                                checkName(handle, changed.name());
                            }
                            IdentityStore.update(handle, changed);
                            Audit.record(handle, Actor.of(request), "update role", id);
                            TokenService.announce(handle);
                            return Views.one(200, "role", Views.role(request, changed));
                        });
        tokens.forget();
        return response;
    }

    private Response delete(Request request) {
        String id = request.pathParameter("id");
        database.run(
                handle -> {
                    if (role(handle, id).name().equals(Role.ADMIN)) {
                        throw ApiException.forbidden("The role admin cannot be deleted.");
                    }
                    IdentityStore.delete(handle, "role", id);
                    Audit.record(handle, Actor.of(request), "delete role", id);
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    private Response grants(Request request) {
        List<Role> roles =
                database.read(
                        handle -> {
                            checkParties(handle, request);
                            return IdentityStore.rolesOn(
                                    handle,
                                    request.pathParameter("user"),
                                    request.pathParameter("project"));
                        });
        return Views.all(
                request, "roles", roles.stream().map(role -> Views.role(request, role)).toList());
    }

    private Response grant(Request request) {
        database.run(
                handle -> {
                    checkParties(handle, request);
                    Role role = role(handle, request.pathParameter("role"));
                    IdentityStore.assign(
                            handle,
                            request.pathParameter("user"),
                            request.pathParameter("project"),
                            role.id());
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
                                IdentityStore.rolesOn(
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
                            IdentityStore.unassign(
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
        boolean names = request.query().flag("include_names").orElse(false);
        List<IdentityStore.Assignment> found =
                database.read(
                        handle ->
                                IdentityStore.assignments(
                                        handle,
                                        request.query().all("user.id"),
                                        request.query().all("scope.project.id"),
                                        request.query().all("role.id")));
        return Views.all(
                request,
                "role_assignments",
                found.stream().map(one -> assignment(request, one, names)).toList());
    }

    private static ObjectNode assignment(
            Request request, IdentityStore.Assignment assignment, boolean names) {
        ObjectNode view = Json.object();
        ObjectNode role = view.putObject("role").put("id", assignment.role().id());
        ObjectNode user = view.putObject("user").put("id", assignment.accountId());
        ObjectNode project =
                view.putObject("scope").putObject("project").put("id", assignment.project().id());
        if (names) {
            role.put("name", assignment.role().name());
            user.put("name", assignment.accountName()).set("domain", Views.domainReference());
            project.put("name", assignment.project().name()).set("domain", Views.domainReference());
        }
        view.putObject("links")
                .put(
                        "assignment",
                        "%s/identity/v3/projects/%s/users/%s/roles/%s"
                                .formatted(
                                        request.baseUrl(),
                                        assignment.project().id(),
                                        assignment.accountId(),
                                        assignment.role().id()));
        return view;
    }

    private static void checkParties(Handle handle, Request request) {
        String project = request.pathParameter("project");
        String user = request.pathParameter("user");
        if (IdentityStore.project(handle, project).isEmpty()) {
            throw ProjectApi.missing(project);
        }
        if (IdentityStore.account(handle, user).isEmpty()) {
            throw UserApi.missing(user);
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

    private static Role role(Handle handle, String id) {
        return IdentityStore.role(handle, id)
                .orElseThrow(() -> ApiException.notFound("Could not find role: %s.".formatted(id)));
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
