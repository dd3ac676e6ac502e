package dev.iod.identity;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Fields;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** {@code /v3/users}. */
final class UserApi {
    private static final int MAX_NAME = 255;
    private static final int MAX_TEXT = 65_535;

    private final Database database;
    private final TokenService tokens;
    private final Clock clock;

    UserApi(Database database, TokenService tokens, Clock clock) {
        this.database = database;
        this.tokens = tokens;
        this.clock = clock;
    }

    List<Route> routes() {
        return List.of(
                Route.post("/v3/users", this::create).may(Rule.ADMIN, "create_user"),
                Route.get("/v3/users", this::list).may(Rule.ADMIN, "list_users"),
                Route.get("/v3/users/{id}", this::show).may(Rule.TOKEN),
                Route.patch("/v3/users/{id}", this::update).may(Rule.ADMIN, "update_user"),
                Route.delete("/v3/users/{id}", this::delete).may(Rule.ADMIN, "delete_user"),
                Route.post("/v3/users/{id}/password", this::changePassword).may(Rule.TOKEN),
                Route.get("/v3/users/{id}/projects", this::projects).may(Rule.TOKEN));
    }

    private Response create(Request request) {
        Fields body = request.body("user");
        Optional<String> password = body.optionalString("password", Passwords.MAX_LENGTH);
        Account account =
                new Account(
                        Ids.random(),
                        Names.of(body, MAX_NAME),
                        body.optionalString("description", MAX_TEXT).orElse(""),
                        body.optionalString("email", MAX_NAME).orElse(""),
                        body.optionalBoolean("enabled").orElse(true),
                        body.optionalString("default_project_id", 64),
                        password.map(Passwords::hash),
                        Instant.EPOCH);
        checkFixed(body);
        body.end();
        return database.transaction(
                handle -> {
                    if (IdentityStore.accountByName(handle, account.name()).isPresent()) {
                        throw duplicate(account.name());
                    }
                    IdentityStore.insert(handle, account);
                    Audit.record(handle, Actor.of(request), "create user", account.id());
                    return Views.one(201, "user", Views.user(request, account));
                });
    }

    private static void checkFixed(Fields body) {
        if (!body.optionalString("domain_id", 64).map(Views.DOMAIN::equals).orElse(true)) {
            throw ApiException.badRequest("Users are in the domain 'default'; there is no other.");
        }
        body.optionalObject("options").ifPresent(Fields::end);
    }

    private Response list(Request request) {
        ListQuery query = request.list();
        if (!request.query().first("domain_id").map(Views.DOMAIN::equals).orElse(true)) {
            return Views.all(request, "users", List.of());
        }
        Listed<Account> accounts =
                database.read(
                        handle ->
                                IdentityStore.accounts(
                                        handle,
                                        query,
                                        request.query().all("name"),
                                        request.query().flag("enabled")));
        return Views.page(request, "users", accounts.map(account -> Views.user(request, account)));
    }

    private Response show(Request request) {
        String id = request.pathParameter("id");
        requireSelf(request, id, "get_user");
        Account account =
                database.read(handle -> IdentityStore.account(handle, id))
                        .orElseThrow(() -> missing(id));
        return Views.one(200, "user", Views.user(request, account));
    }

    private Response update(Request request) {
        String id = request.pathParameter("id");
        Fields body = request.body("user");
        Optional<String> name =
                body.has("name") ? Optional.of(Names.of(body, MAX_NAME)) : Optional.empty();
        Optional<String> description = body.optionalString("description", MAX_TEXT);
        Optional<String> email = body.optionalString("email", MAX_NAME);
        Optional<Boolean> enabled = body.optionalBoolean("enabled");
        boolean setsProject = body.has("default_project_id");
        Optional<String> project = body.optionalString("default_project_id", 64);
        Optional<String> hash =
                body.optionalString("password", Passwords.MAX_LENGTH).map(Passwords::hash);
        checkFixed(body);
        body.end();
        Response response =
                database.transaction(
                        handle -> {
                            Account old =
                                    IdentityStore.account(handle, id)
                                            .orElseThrow(() -> missing(id));
                            Account changed =
                                    new Account(
                                            id,
                                            name.orElse(old.name()),
                                            description.orElse(old.description()),
                                            email.orElse(old.email()),
                                            enabled.orElse(old.enabled()),
                                            setsProject ? project : old.defaultProjectId(),
                                            hash.or(old::passwordHash),
                                            hash.isPresent() ? now() : old.tokensValidFrom());
                            if (!changed.name().equals(old.name())
                                    && IdentityStore.accountByName(handle, changed.name())
                                            .isPresent()) {
                                throw duplicate(changed.name());
                            }
                            IdentityStore.update(handle, changed);
                            Audit.record(handle, Actor.of(request), "update user", id);
                            TokenService.announce(handle);
                            return Views.one(200, "user", Views.user(request, changed));
                        });
        tokens.forget();
        return response;
    }

    private Response delete(Request request) {
        String id = request.pathParameter("id");
        database.run(
                handle -> {
                    if (!IdentityStore.delete(handle, "account", id)) {
                        throw missing(id);
                    }
                    Audit.record(handle, Actor.of(request), "delete user", id);
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    /** One's own password: needs the old one; all of one's tokens end. */
    private Response changePassword(Request request) {
        String id = request.pathParameter("id");
        Policy.require(request.caller().userId().equals(id), "change_password");
        Fields body = request.body("user");
        String original = body.string("original_password", 0, Passwords.MAX_LENGTH);
        String password = body.string("password", 1, Passwords.MAX_LENGTH);
        body.end();
        Account account =
                database.read(handle -> IdentityStore.account(handle, id))
                        .orElseThrow(() -> missing(id));
        if (!Passwords.verify(original, account.passwordHash())) {
            throw new ApiException(
                    Fault.UNAUTHORIZED, "The request you have made requires authentication.");
        }
        String hash = Passwords.hash(password);
        database.run(
                handle -> {
                    Account old = IdentityStore.account(handle, id).orElseThrow(() -> missing(id));
                    if (!old.passwordHash().equals(account.passwordHash())) {
                        throw ApiException.conflict("The password has been changed meanwhile.");
                    }
                    IdentityStore.update(
                            handle,
                            new Account(
                                    id,
                                    old.name(),
                                    old.description(),
                                    old.email(),
                                    old.enabled(),
                                    old.defaultProjectId(),
                                    Optional.of(hash),
                                    now()));
                    Audit.record(handle, Actor.of(request), "change password of user", id);
                    TokenService.announce(handle);
                });
        tokens.forget();
        return Response.empty(204);
    }

    private Response projects(Request request) {
        String id = request.pathParameter("id");
        requireSelf(request, id, "list_user_projects");
        List<Project> projects = database.read(handle -> IdentityStore.projectsOf(handle, id));
        return Views.all(
                request,
                "projects",
                projects.stream().map(project -> Views.project(request, project)).toList());
    }

    private static void requireSelf(Request request, String id, String action) {
        Policy.require(request.caller().isAdmin() || request.caller().userId().equals(id), action);
    }

    /** In the granularity of tokens, so that one issued right after is not void. */
    private Instant now() {
        return Instant.ofEpochMilli(clock.millis());
    }

    static ApiException missing(String id) {
        return ApiException.notFound("Could not find user: %s.".formatted(id));
    }

    private static ApiException duplicate(String name) {
        return ApiException.conflict(
                "Conflict occurred attempting to store user - Duplicate entry found with name %s at domain ID default."
                        .formatted(name));
    }
}
