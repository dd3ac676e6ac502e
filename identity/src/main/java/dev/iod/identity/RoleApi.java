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
import java.util.List;

/** {@code /v3/roles}. */
final class RoleApi {
    private final Collection<Role> roles;

    RoleApi(Database database, TokenService tokens) {
        roles =
                KeystoneStyle.collection(database, tokens, Role.TABLE, "role", Role.VIEW, Role::id)
                        .filters(KeystoneStyle::named)
                        .duplicate(
                                (columns, constraint) ->
                                        ("Conflict occurred attempting to store role - Duplicate"
                                                        + " entry found with name %s.")
                                                .formatted(columns.text("name")))
                        .deletable(role -> requireMutable(role, "delete"))
                        .build();
    }

    List<Route> routes() {
        String all = "/v3/roles";
        String one = all + "/{id}";
        return List.of(
                Route.post(all, this::create).may(Rule.ADMIN, "create_role"),
                Route.get(all, roles::list).may(Rule.ADMIN, "list_roles"),
                Route.get(one, roles::show).may(Rule.ADMIN, "get_role"),
                Route.patch(one, this::update).may(Rule.ADMIN, "update_role"),
                Route.delete(one, roles::delete).may(Rule.ADMIN, "delete_role"));
    }

    private Response create(Request request) {
        Fields body = request.body("role");
        Columns columns =
                new Columns()
                        .set("id", Names.newId())
                        .set("name", Names.of(body, Names.MAX_LENGTH));
        readRest(body, columns);
        return roles.show(request, 201, roles.create(request, columns));
    }

    private Response update(Request request) {
        Fields body = request.body("role");
        Columns columns = new Columns();
        if (body.has("name")) {
            columns.set("name", Names.of(body, Names.MAX_LENGTH));
        }
        readRest(body, columns);
        return roles.show(
                request,
                roles.update(
                        request,
                        role -> {
                            requireMutable(role, "update");
                            return columns;
                        }));
    }

    private static void readRest(Fields body, Columns columns) {
        columns.change("description", body.optionalString("description", Names.MAX_TEXT));
        if (body.optionalString("domain_id", 64).isPresent()) {
            throw ApiException.badRequest("Roles belong to no domain here.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
        body.end();
    }

    /** Rules name roles: without one of these three, or with another's name, nobody would pass. */
    private static void requireMutable(Role role, String action) {
        if (role.isImmutable()) {
            throw ApiException.forbidden(
                    "Unable to %s immutable role resource: `%s`.".formatted(action, role.id()));
        }
    }
}
