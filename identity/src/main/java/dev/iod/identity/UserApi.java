package dev.iod.identity;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Fields;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import java.util.List;
import java.util.Optional;

/** {@code /v3/users}. */
final class UserApi {
    private final Database database;
    private final TokenService tokens;
    private final Collection<Account> users;

    UserApi(Database database, TokenService tokens) {
        this.database = database;
        this.tokens = tokens;
        users =
                KeystoneStyle.collection(
                                database, tokens, Account.TABLE, "user", Account.VIEW, Account::id)
                        .filters(KeystoneStyle::filtered)
                        .duplicate(
                                (columns, constraint) ->
                                        ("Conflict occurred attempting to store user - Duplicate"
                                                        + " entry found with name %s at domain ID default.")
                                                .formatted(columns.text("name")))
                        .build();
    }

    List<Route> routes() {
        String all = "/v3/users";
        String one = all + "/{id}";
        return List.of(
                Route.post(all, this::create).may(Rule.ADMIN, "create_user"),
                Route.get(all, users::list).may(Rule.ADMIN, "list_users"),
                Route.get(one, this::show).may(Rule.TOKEN),
                Route.patch(one, this::update).may(Rule.ADMIN, "update_user"),
                Route.delete(one, users::delete).may(Rule.ADMIN, "delete_user"),
                Route.post(one + "/password", this::changePassword).may(Rule.TOKEN),
                Route.get(one + "/projects", this::projects).may(Rule.TOKEN));
    }

    private Response create(Request request) {
        Fields body = request.body("user");
        Columns columns = new Columns().set("id", Names.newId());
        columns.set("name", Names.of(body, Names.MAX_LENGTH));
        readRest(body, columns)
                .ifPresent(password -> columns.set("password_hash", Passwords.hash(password)));
        return users.show(request, 201, users.create(request, columns));
    }

    private Response update(Request request) {
        Fields body = request.body("user");
        Columns columns = new Columns();
        if (body.has("name")) {
            columns.set("name", Names.of(body, Names.MAX_LENGTH));
        }
        readRest(body, columns)
                .ifPresent(password -> setPassword(columns, Passwords.hash(password)));
        return users.show(request, users.update(request, user -> columns));
    }

    /** Reads everything but the name; the password, if one is given. */
    private Optional<String> readRest(Fields body, Columns columns) {
        columns.change("description", body.optionalString("description", Names.MAX_TEXT))
                .change("email", body.optionalString("email", Names.MAX_LENGTH));
        body.optionalBoolean("enabled").ifPresent(enabled -> tokens.enable(columns, enabled));
        if (body.has("default_project_id")) {
            columns.set("default_project_id", body.optionalString("default_project_id", 64));
        }
        Optional<String> password = body.optionalString("password", Passwords.MAX_LENGTH);
        if (!Domain.isDefault(body.optionalString("domain_id", 64))) {
            throw ApiException.badRequest("Users are in the domain 'default'; there is no other.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
        body.end();
        return password;
    }

    /** A new password ends all tokens, but for one that is issued right after. */
    private void setPassword(Columns columns, String hash) {
        columns.set("password_hash", hash);
        tokens.endAll(columns);
    }

    private Response show(Request request) {
        requireSelf(request, "get_user");
        return users.show(request);
    }

    /** One's own password: needs the old one; all of one's tokens end. */
    private Response changePassword(Request request) {
        String id = request.pathParameter("id");
        Policy.require(request.caller().userId().equals(id), "change_password");
        Fields body = request.body("user");
        String original = body.string("original_password", 0, Passwords.MAX_LENGTH);
        String password = body.string("password", 1, Passwords.MAX_LENGTH);
        body.end();
        Account account = users.find(request);
        if (!Passwords.verify(original, account.passwordHash())) {
            throw new ApiException(
                    Fault.UNAUTHORIZED, "The request you have made requires authentication.");
        }
        String hash = Passwords.hash(password);
        database.run(
                handle -> {
                    Account old = users.find(handle, request);
                    if (!old.passwordHash().equals(account.passwordHash())) {
                        throw ApiException.conflict("The password has been changed meanwhile.");
                    }
                    Columns columns = new Columns();
                    setPassword(columns, hash);
                    Account.TABLE.update(handle, Account.TABLE.is(id), columns);
                    Audit.record(handle, Actor.of(request), "change password of user", id);
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    private Response projects(Request request) {
        requireSelf(request, "list_user_projects");
        String id = request.pathParameter("id");
        List<Project> projects = database.read(handle -> Assignments.projectsOf(handle, id));
        return KeystoneStyle.all(request, "projects", projects, Project.VIEW);
    }

    private static void requireSelf(Request request, String action) {
        Policy.require(
                request.caller().isAdmin()
                        || request.caller().userId().equals(request.pathParameter("id")),
                action);
    }
}
