package dev.iod.identity;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import java.util.List;
import java.util.Optional;

/** {@code /v3/projects}. */
final class ProjectApi {
    private static final int MAX_NAME = 64;
    private static final int MAX_TEXT = 65_535;

    private final Database database;
    private final TokenService tokens;

    ProjectApi(Database database, TokenService tokens) {
        this.database = database;
        this.tokens = tokens;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v3/projects", this::create).may(Rule.ADMIN, "create_project"),
                Route.get("/v3/projects", this::list).may(Rule.ADMIN, "list_projects"),
                Route.get("/v3/projects/{id}", this::show).may(Rule.TOKEN),
                Route.patch("/v3/projects/{id}", this::update).may(Rule.ADMIN, "update_project"),
                Route.delete("/v3/projects/{id}", this::delete).may(Rule.ADMIN, "delete_project"));
    }

    private Response create(Request request) {
        Fields body = request.body("project");
        Project project =
                new Project(
                        Ids.random(),
                        Names.of(body, MAX_NAME),
                        body.optionalString("description", MAX_TEXT).orElse(""),
                        body.optionalBoolean("enabled").orElse(true));
        checkFixed(body);
        body.end();
        return database.transaction(
                handle -> {
                    if (IdentityStore.projectByName(handle, project.name()).isPresent()) {
                        throw duplicate(project.name());
                    }
                    IdentityStore.insert(handle, project);
                    Audit.record(handle, Actor.of(request), "create project", project.id());
                    return Views.one(201, "project", Views.project(request, project));
                });
    }

    /** Properties with only one possible value in a region with one flat domain. */
    private static void checkFixed(Fields body) {
        boolean other =
                !body.optionalString("domain_id", 64).map(Views.DOMAIN::equals).orElse(true)
                        || !body.optionalString("parent_id", 64)
                                .map(Views.DOMAIN::equals)
                                .orElse(true)
                        || body.optionalBoolean("is_domain").orElse(false);
        if (other) {
            throw ApiException.badRequest(
                    "Projects are directly under the domain 'default'; there are no other"
                            + " parents.");
        }
        if (!body.optionalArray("tags", 0).orElse(List.of()).isEmpty()) {
            throw ApiException.badRequest("Projects have no tags.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
    }

    private Response list(Request request) {
        ListQuery query = request.list();
        if (!request.query().first("domain_id").map(Views.DOMAIN::equals).orElse(true)) {
            return Views.all(request, "projects", List.of());
        }
        Listed<Project> projects =
                database.read(
                        handle ->
                                IdentityStore.projects(
                                        handle,
                                        query,
                                        request.query().all("name"),
                                        request.query().flag("enabled")));
        return Views.page(
                request, "projects", projects.map(project -> Views.project(request, project)));
    }

    private Response show(Request request) {
        String id = request.pathParameter("id");
        boolean own = request.caller().project().map(id::equals).orElse(false);
        Optional<Project> project = database.read(handle -> IdentityStore.project(handle, id));
        // One may look at a project one has a role on, with any token.
        boolean member =
                own
                        || database.read(
                                handle ->
                                        !IdentityStore.rolesOn(
                                                        handle, request.caller().userId(), id)
                                                .isEmpty());
        Policy.require(member || request.caller().isAdmin(), "get_project");
        return Views.one(
                200, "project", Views.project(request, project.orElseThrow(() -> missing(id))));
    }

    private Response update(Request request) {
        String id = request.pathParameter("id");
        Fields body = request.body("project");
        Optional<String> name =
                body.has("name") ? Optional.of(Names.of(body, MAX_NAME)) : Optional.empty();
        Optional<String> description = body.optionalString("description", MAX_TEXT);
        Optional<Boolean> enabled = body.optionalBoolean("enabled");
        checkFixed(body);
        body.end();
        Response response =
                database.transaction(
                        handle -> {
                            Project old =
                                    IdentityStore.project(handle, id)
                                            .orElseThrow(() -> missing(id));
                            Project changed =
                                    new Project(
                                            id,
                                            name.orElse(old.name()),
                                            description.orElse(old.description()),
                                            enabled.orElse(old.enabled()));
                            if (!changed.name().equals(old.name())
                                    && IdentityStore.projectByName(handle, changed.name())
                                            .isPresent()) {
                                throw duplicate(changed.name());
                            }
                            IdentityStore.update(handle, changed);
                            Audit.record(handle, Actor.of(request), "update project", id);
                            TokenService.announce(handle);
                            return Views.one(200, "project", Views.project(request, changed));
                        });
        tokens.forget();
        return response;
    }

    private Response delete(Request request) {
        String id = request.pathParameter("id");
        database.run(
                handle -> {
                    if (!IdentityStore.delete(handle, "project", id)) {
                        throw missing(id);
                    }
                    Audit.record(handle, Actor.of(request), "delete project", id);
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    static ApiException missing(String id) {
        return ApiException.notFound("Could not find project: %s.".formatted(id));
    }

    private static ApiException duplicate(String name) {
        return ApiException.conflict(
                "Conflict occurred attempting to store project - it is not permitted to have two"
                        + " projects"
                        + " with the same name in the same domain : %s.".formatted(name));
    }
}
