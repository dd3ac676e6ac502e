package dev.iod.identity;

import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import dev.iod.store.Where;
import java.util.List;

/** {@code /v3/projects}. */
final class ProjectApi {
    private static final int MAX_NAME = 64;

    private final Database database;
    private final TokenService tokens;
    private final Collection<Project> projects;

    ProjectApi(Database database, TokenService tokens) {
        this.database = database;
        this.tokens = tokens;
        projects =
                KeystoneStyle.collection(
                                database,
                                tokens,
                                Project.TABLE,
                                "project",
                                Project.VIEW,
                                Project::id)
                        .filters(ProjectApi::projects)
                        .duplicate(
                                (columns, constraint) ->
                                        ("Conflict occurred attempting to store project - it is not"
                                                        + " permitted to have two projects with the same"
                                                        + " name in the same domain : %s.")
                                                .formatted(columns.text("name")))
                        .build();
    }

    List<Route> routes() {
        String all = "/v3/projects";
        String one = all + "/{id}";
        return List.of(
                Route.post(all, this::create).may(Rule.ADMIN, "create_project"),
                Route.get(all, projects::list).may(Rule.ADMIN, "list_projects"),
                Route.get(one, this::show).may(Rule.TOKEN),
                Route.patch(one, this::update).may(Rule.ADMIN, "update_project"),
                Route.delete(one, projects::delete).may(Rule.ADMIN, "delete_project"));
    }

    /** Projects are directly under the one domain, which is not listed as a project. */
    private static Where projects(Request request, Where visible) {
        boolean elsewhere =
                !Domain.isDefault(request.query().first("parent_id"))
                        || request.query().flag("is_domain").orElse(false);
        Where where = KeystoneStyle.filtered(request, visible);
        return elsewhere ? where.and("false") : where;
    }

    private Response create(Request request) {
        Fields body = request.body("project");
        Columns columns =
                new Columns().set("id", Names.newId()).set("name", Names.of(body, MAX_NAME));
        readRest(body, columns);
        return projects.show(request, 201, projects.create(request, columns));
    }

    private Response update(Request request) {
        Fields body = request.body("project");
        Columns columns = new Columns();
        if (body.has("name")) {
            columns.set("name", Names.of(body, MAX_NAME));
        }
        readRest(body, columns);
        return projects.show(request, projects.update(request, project -> columns));
    }

    private void readRest(Fields body, Columns columns) {
        columns.change("description", body.optionalString("description", Names.MAX_TEXT));
        body.optionalBoolean("enabled").ifPresent(enabled -> tokens.enable(columns, enabled));
        // Properties with only one possible value in a region with one flat domain.
        boolean elsewhere =
                !Domain.isDefault(body.optionalString("domain_id", 64))
                        || !Domain.isDefault(body.optionalString("parent_id", 64))
                        || body.optionalBoolean("is_domain").orElse(false);
        if (elsewhere) {
            throw ApiException.badRequest(
                    "Projects are directly under the domain 'default'; there are no other"
                            + " parents.");
        }
        if (!body.optionalArray("tags", 0).orElse(List.of()).isEmpty()) {
            throw ApiException.badRequest("Projects have no tags.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
        body.end();
    }

    /** One may look at a project one has a role on, with any token. */
    private Response show(Request request) {
        String id = request.pathParameter("id");
        boolean allowed =
                request.caller().isAdmin()
                        || request.caller().project().map(id::equals).orElse(false)
                        || database.read(
                                handle ->
                                        !Assignments.rolesOn(handle, request.caller().userId(), id)
                                                .isEmpty());
        Policy.require(allowed, "get_project");
        return projects.show(request);
    }
}
